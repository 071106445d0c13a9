"""The Prototypes tab: looking at prototypes, painting from them, and everything that can be done to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gradio as gr
import torch
from PIL import Image

from pdm.conditioning import from_vectors
from pdm.config import DEFAULT_STEPS
from pdm.data import from_pil, to_pil
from pdm.edit_history import EditHistory
from pdm.edits import apply
from pdm.engine import Frame, painted, run
from pdm.engine import checked as checked_request
from pdm.prototype_set import PrototypeSet
from pdm.studio import Library, Studio
from pdm.ui.edit_panel import NEEDS_STAR
from pdm.ui.events import DENOISING, PRIVATE, QUICK, StopSwitch
from pdm.ui.explore_parts import choices
from pdm.ui.explore_views import ExploreViews
from pdm.ui.inspector import checked
from pdm.ui.keeping import DOWNLOAD, loaded_set, packed_set
from pdm.ui.picture_grid import Item, PictureGrid, pictures
from pdm.ui.previews import PREVIEWS, SEED, known, preview_request, remember
from pdm.ui.session import Sets
from pdm.ui.walk_panel import WalkPanel
from pdm.ui.wording import heading, status
from pdm.vocabulary import Vocabulary

FILM = 7  # steps of a blend
BETWEEN = 0.15  # seconds between two looks at unfinished pictures: sending each one holds the next up
SLIDER = 256  # pixels a side of the one picture before | after


class ExploreTab(ExploreViews):
    """The methods named on_... handle events."""

    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown):
        super().__init__(library.get())
        self.library, self.sets, self.model = library, sets, model
        with self.more:
            self.walk = WalkPanel(library, sets, model, choices(library.get().vocabulary()))
        self.switch = StopSwitch(self.stop)
        self._wire()

    @property
    def edited(self) -> list:
        return [*super().edited, self.walk.stars]

    def set_views(self, studio: Studio, sets: Sets, star: int | None = None) -> dict:
        return super().set_views(studio, sets, star) | self.walk.views(sets.vocabulary(studio))

    # Looking.

    def _words(self, sets: Sets, model: str) -> Vocabulary:
        return sets.vocabulary(self.library.get(model))

    def on_star(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        return self.star_views(self._words(sets, model), event.id)

    def on_name(self, sets: Sets, model: str, name: int | None) -> dict:
        return {self.line: gr.skip()} if name is None else self.star_views(self._words(sets, model), name)

    def on_image(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        words = self._words(sets, model)
        images = checked(words.studio.check_images, [event.id])
        return self.place_views(words, words.studio.map.images[images], words.studio.class_of(images[0]), images)

    def on_lasso(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        words = self._words(sets, model)
        ids = checked(words.studio.check_images, list(event.ids))
        stars = checked(words.check, list(event.stars or []))
        if not ids:
            raise gr.Error("lasso: expected at least one image inside, got none", print_exception=False)
        return self.lasso_views(words, ids, stars)

    def _picture(self, studio: Studio, image: Image.Image) -> torch.Tensor:
        config = studio.pdm.denoiser.config
        return checked(from_pil, image, config.image_size, config.channels)[None]

    def on_upload(self, sets: Sets, model: str, image: Image.Image | None) -> dict:
        if image is None:
            return {self.line: gr.skip()}
        words = self._words(sets, model)
        return self.place_views(words, self._picture(words.studio, image), "Your picture")

    # Painting.

    def on_paint(self, sets: Sets, model: str, star: int | None, pressed: float, asker: gr.Request) -> Iterator[dict]:
        words = self._words(sets, model)
        if star not in words.names:
            raise gr.Error(NEEDS_STAR, print_exception=False)
        for frame, views in self._frames(words, star, self.painted):
            if frame is not None and self.switch.asked(asker, pressed):
                yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return
            yield views

    def _frames(self, words: Vocabulary, star: int, grid: PictureGrid) -> Iterator[tuple[Frame | None, dict]]:
        """Eight pictures of one prototype into a grid, step by step; what is known already comes at once."""
        studio, items = words.studio, [Item(i) for i in range(PREVIEWS)]
        prototypes = words.prototypes if words.edited else None
        request = checked(checked_request, studio, preview_request(star, prototypes))
        images = known(words, request)
        if images is not None:
            yield None, {self.line: status(""), grid: pictures(images, items, across=4, still=True)}
            return
        shown = 0.0
        for frame in run(studio, request):
            if not frame.done and time.monotonic() - shown < BETWEEN:
                continue
            shown = time.monotonic()
            part = None if frame.done else frame.step / frame.total
            text = f"step {frame.step} of {frame.total}"
            if frame.done:
                remember(words, request, frame.images)
                text = f"{PREVIEWS} pictures from {words.names[star]} in {frame.denoise_ms / 1000:.1f} s"
            yield frame, {self.line: status(text, part), grid: pictures(frame.images, items, across=4, still=True)}

    def on_preview(self, sets: Sets, model: str, star: int | None, pressed: float, asker: gr.Request) -> Iterator[dict]:
        """After an edit: what the prototype paints now, then what it, or the one nearest to it, painted before."""
        studio = self.library.get(model)
        words, history = sets.vocabulary(studio), sets.history(studio)
        if star not in words.names or words.prototypes.get(star).muted:
            return
        earlier = studio.vocabulary(history.undo().now)
        old = star
        if star not in earlier.names:
            distances = earlier.prototypes.distances(words.vectors([star]))[0]
            old = earlier.prototypes.ids[int(distances.argmin())]
        same = old == star
        title = "Before" if same else f"Before, the nearest was {earlier.names[old]}"
        yield {self.before_title: heading(title), self.painted_title: heading("After")}
        strips = [(words, star, self.painted)]
        if not earlier.prototypes.get(old).muted:
            strips.append((earlier, old, self.before))
        for vocabulary, k, grid in strips:
            for frame, views in self._frames(vocabulary, k, grid):
                if frame is not None and self.switch.asked(asker, pressed):
                    yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                    return
                yield views
        if len(strips) == 2:
            ends = [known(v, preview_request(k, v.prototypes)) for v, k, _ in reversed(strips)]
            pair = tuple(to_pil(images[0]).resize((SLIDER, SLIDER), Image.Resampling.NEAREST) for images in ends)
            yield {self.slider: gr.update(value=pair), self.slider_fold: gr.update(visible=True)}

    def on_film(self, sets: Sets, model: str, a: int | None, b: int | None) -> Iterator[dict]:
        """The way from A to B at one seed: pictures of vectors that no prototype has yet."""
        words = self._words(sets, model)
        if a is None or b is None:
            raise gr.Error("blend: expected a prototype for A and one for B, got none", print_exception=False)
        checked(words.check, [a, b])
        yield {self.film_line: status("painting", 0.5)}
        here, there = words.prototypes.vectors([a, b])
        way = torch.linspace(0, 1, FILM)[:, None]
        ids, ones = torch.arange(FILM)[:, None], torch.ones(FILM, 1)
        condition = from_vectors(here + way * (there - here), ids, ones, spherical=words.prototypes.spherical)
        strip = painted(words.studio, condition, SEED, DEFAULT_STEPS)
        items = [Item(i, f"{100 * i / (FILM - 1):.0f} %") for i in range(FILM)]
        text = f"from {words.names[a]} to {words.names[b]}; pick one, and keep it"
        yield {self.film_line: status(text), self.film: pictures(strip, items, across=FILM)}

    def on_film_pick(self, event: gr.EventData) -> float:
        return min(1.0, max(0.0, round(int(event.id) / (FILM - 1), 2)))

    # Editing.

    def _edit(self, operation: str, arguments: Callable[..., dict], *, needs_star: bool = False) -> Callable:
        """A handler: `arguments` makes an edit's from (vocabulary, chosen star, the inputs' values)."""

        def handler(sets: Sets, model: str, star: int | None, *values):
            studio = self.library.get(model)
            words, history = sets.vocabulary(studio), sets.history(studio)
            if needs_star and star not in words.names:
                raise gr.Error(NEEDS_STAR, print_exception=False)
            given = checked(arguments, words, star, *values)
            return self._done(
                studio, sets, history, star, checked(apply, history.now, operation, given, studio.edit_context)
            )

        return handler

    def _done(
        self, studio: Studio, sets: Sets, history: EditHistory, star: int | None, outcome: tuple[PrototypeSet, str]
    ) -> dict:
        prototypes, sentence = outcome
        new = [k for k in prototypes.ids if k not in history.now.ids]
        sets = sets.put(studio, history.do(sentence, prototypes))
        return self.set_views(studio, sets, new[0] if new else star)

    def on_drag(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        studio = self.library.get(model)
        history = sets.history(studio)
        given = {"id": event.id, "point": [event.x, event.y]}
        outcome = checked(apply, history.now, "move", given, studio.edit_context)
        return self._done(studio, sets, history, event.id, outcome)

    def on_add_picture(self, sets: Sets, model: str, image: Image.Image | None) -> dict:
        if image is None:
            raise gr.Error("picture: expected one above, got none", print_exception=False)
        studio = self.library.get(model)
        history = sets.history(studio)
        vector = studio.features(self._picture(studio, image))[0].tolist()
        return self._done(
            studio, sets, history, None, checked(apply, history.now, "add", {"vector": vector}, studio.edit_context)
        )

    def on_load(self, sets: Sets, model: str, path: str) -> dict:
        studio = self.library.get(model)
        return self.set_views(studio, loaded_set(studio, sets, path))

    def on_save(self, sets: Sets, model: str) -> dict:
        return packed_set(self.library.get(model), sets)

    def _step(self, go: Callable[[EditHistory], EditHistory]) -> Callable:
        def handler(sets: Sets, model: str, star: int | None) -> dict:
            studio = self.library.get(model)
            return self.set_views(studio, sets.put(studio, go(sets.history(studio))), star)

        return handler

    def on_go(self, sets: Sets, model: str, star: int | None, event: gr.EventData) -> dict:
        studio = self.library.get(model)
        return self.set_views(studio, sets.put(studio, checked(sets.history(studio).go_to, event.index)), star)

    def _wire(self) -> None:
        p, here = self.panel, [self.sets, self.model]
        self.view.star(self.on_star, here, self.inspected, **QUICK)
        self.view.image(self.on_image, here, self.inspected, **QUICK)
        self.view.lasso(self.on_lasso, here, self.inspected, **QUICK)
        self.near.pick(self.on_star, here, self.inspected, **QUICK)
        self.names.input(self.on_name, [*here, self.names], self.inspected, **QUICK)
        self.upload.change(self.on_upload, [*here, self.upload], self.inspected, **QUICK)
        strips = [self.line, self.before_title, self.before, self.painted_title, self.painted]
        compared = [*strips, self.slider, self.slider_fold]
        painting = {"concurrency_id": DENOISING, **PRIVATE}
        self.paint.click(self.on_paint, [*here, self.chosen, self.switch.pressed], strips, **painting)
        self.show_film.click(self.on_film, [*here, self.a, self.b], [self.film_line, self.film], **painting)
        self.save.click(self.on_save, here, self.file, **QUICK).success(None, self.file, None, js=DOWNLOAD)
        self.film.pick(self.on_film_pick, None, self.t, **QUICK)

        at = [*here, self.chosen]
        one = {"needs_star": True}
        edits = [
            self.view.drag(self.on_drag, here, self.edited, **QUICK),
            self.add_picture.click(self.on_add_picture, [*here, self.upload], self.edited, **QUICK),
            self.load.upload(self.on_load, [*here, self.load], self.edited, **QUICK),
            self.view.undo(self._step(EditHistory.undo), at, self.edited, **QUICK),
            self.view.redo(self._step(EditHistory.redo), at, self.edited, **QUICK),
            self.past.undo.click(self._step(EditHistory.undo), at, self.edited, **QUICK),
            self.past.redo.click(self._step(EditHistory.redo), at, self.edited, **QUICK),
            self.past.log.go(self.on_go, at, self.edited, **QUICK),
        ]
        for trigger, operation, arguments, inputs, options in (
            (p.name.submit, "rename", lambda w, k, name: {"id": k, "name": name}, [p.name], one),
            (p.tags.submit, "tag", lambda w, k, tags: {"id": k, "tags": _tags(tags)}, [p.tags], one),
            (p.strength.release, "scale", lambda w, k, value: {"id": k, "value": value}, [p.strength], one),
            (p.move.click, "move", _towards, [p.towards, p.share], one),
            (p.split.click, "split", lambda w, k, n: {"id": k, "n": int(n)}, [p.parts], one),
            (p.duplicate.click, "duplicate", lambda w, k: {"id": k}, [], one),
            (p.mute.click, "mute", lambda w, k: {"ids": [k], "muted": not w.prototypes.get(k).muted}, [], one),
            (p.solo.click, "solo", lambda w, k: {"ids": [k]}, [], one),
            (p.reset.click, "reset", lambda w, k: {"ids": [k]}, [], one),
            (p.remove.click, "remove", lambda w, k: {"ids": [k]}, [], one),
            (self.past.reset_all.click, "reset", lambda w, k: {}, [], {}),
            (p.merge.click, "merge", lambda w, k, ids: {"ids": list(ids or [])}, [p.group], {}),
            (p.add_mean.click, "add", _mean, [self.region], {}),
            (self.keep.click, "blend", lambda w, k, a, b, t: {"a": a, "b": b, "t": t}, [self.a, self.b, self.t], {}),
            (self.keep_analogy.click, "analogy", _a_b_c, [self.a, self.b, self.c], {}),
        ):  # fmt: skip
            handler = self._edit(operation, arguments, **options)
            edits.append(trigger(handler, [*at, *inputs], self.edited, **QUICK))
        for edit in edits:
            edit.success(self.on_preview, [*at, self.switch.pressed], compared, **painting)
        self.edits = edits


def _a_b_c(words: Vocabulary, star: int | None, a: int | None, b: int | None, c: int | None) -> dict:
    return {"a": a, "b": b, "c": c}


def _tags(text: str) -> list[str]:
    return [t.strip() for t in text.split(",") if t.strip()]


def _towards(words: Vocabulary, star: int, other: int | None, share: float) -> dict:
    if other is None:
        raise ValueError("Move towards: expected a prototype, got none")
    words.check([other])
    here, there = words.prototypes.vectors([star, other])
    return {"id": star, "vector": (here + float(share) * (there - here)).tolist()}


def _mean(words: Vocabulary, star: int | None, region: tuple[int, ...]) -> dict:
    if not region:
        raise ValueError("lasso: expected some images, got none; press Lasso above the map and draw round them")
    return {"images": list(region)}
