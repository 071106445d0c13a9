"""The Prototypes tab: looking at prototypes, painting from them, and everything that can be done to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import gradio as gr
import torch
from PIL import Image

from pdm.conditioning import from_vectors
from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.data import to_pil
from pdm.edit_history import EditHistory
from pdm.edit_operations import between
from pdm.edits import apply
from pdm.engine import Frame, Request, painted, run
from pdm.engine import checked as checked_request
from pdm.few_steps import STUDENT
from pdm.prototype_set import tensor_of
from pdm.regions import region_vector
from pdm.studio import Library, Studio
from pdm.ui.edit_panel import NEEDS_STAR
from pdm.ui.events import DENOISING, PRIVATE, QUICK, StopSwitch
from pdm.ui.explore_looking import ExploreLooking
from pdm.ui.explore_parts import choices
from pdm.ui.inspector import checked
from pdm.ui.keeping import DOWNLOAD, loaded_set, packed_set
from pdm.ui.picture_grid import Item, PictureGrid, pictures
from pdm.ui.previews import PREVIEWS, SEED, known, preview_request, remember
from pdm.ui.refit_panel import RefitPanel
from pdm.ui.session import Sets
from pdm.ui.walk_panel import WalkPanel
from pdm.ui.wording import count_of, heading, milliseconds, status
from pdm.vocabulary import Vocabulary

FILM = 7  # steps of a blend
SKETCH = 2  # steps of the student
LIVE = 1  # while the hand moves
BETWEEN = 0.15  # seconds between two looks at unfinished pictures: sending each one holds the next up
SLIDER = 256  # pixels a side of the one picture before | after


class ExploreTab(ExploreLooking):
    """The methods named on_... handle events."""

    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown):
        super().__init__(library.get())
        self.library, self.sets, self.model = library, sets, model
        with self.more:
            self.walk = WalkPanel(library, sets, model, choices(library.get().vocabulary()))
            self.refit = RefitPanel(library, sets, model)
        self.switch = StopSwitch(self.stop)
        self._wire()

    @property
    def edited(self) -> list:
        return [*super().edited, self.walk.stars, self.find.text, self.refit.back]

    def set_views(self, studio: Studio, sets: Sets, star: int | None = None) -> dict:
        return super().set_views(studio, sets, star) | self.walk.views(sets.vocabulary(studio))

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

    def _frames(
        self, words: Vocabulary, star: int, grid: PictureGrid, sketched: bool = False
    ) -> Iterator[tuple[Frame | None, dict]]:
        """Eight pictures of one prototype into a grid, step by step; what is known already comes at once.

        The student, where there is one, goes first, unless it has sketched them into the grid already.
        """
        studio, items = words.studio, [Item(i) for i in range(PREVIEWS)]
        prototypes = words.prototypes if words.edited else None
        request = checked(checked_request, studio, preview_request(star, prototypes))
        images = known(words, request)
        if images is not None:
            yield None, {self.line: status(""), grid: pictures(images, items, across=4, still=True)}
            return
        by_student = studio.pdm.student is not None
        if by_student and not sketched:
            yield None, self._sketch(studio, request, grid)
        shown = 0.0
        for frame in run(studio, request):
            if not frame.done and time.monotonic() - shown < BETWEEN:
                continue
            shown = time.monotonic()
            if frame.done:
                remember(words, request, frame.images)
                text = f"{PREVIEWS} pictures from {words.names[star]}, {frame.total} steps in"
                line = status(f"{text} {frame.denoise_ms / 1000:.1f} s")
            else:
                line = status(f"step {frame.step} of {frame.total}", frame.step / frame.total)
            views = {self.line: line}
            if frame.done or not by_student:  # what is half done would look worse than the sketch
                views[grid] = pictures(frame.images, items, across=4, still=True)
            yield frame, views

    def _sketch(self, studio: Studio, request: Request, grid: PictureGrid, steps: int = SKETCH) -> dict:
        """The same pictures as the student paints them, at once."""
        request = checked(checked_request, studio, replace(request, steps=steps, sampler=STUDENT))
        *_, frame = run(studio, request)
        items = [Item(i) for i in range(request.count)]
        line = status(f"sketched by the student, {count_of(steps, 'step')} in {milliseconds(frame.denoise_ms)}")
        return {self.line: line, grid: pictures(frame.images, items, across=4, still=True)}

    def on_dragging(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        """While a star is dragged: what the student makes of the place where it is."""
        words = self._words(sets, model)
        given = {"id": event.id, "point": [event.x, event.y]}
        moved, _ = checked(apply, words.prototypes, "move", given, words.edit_context)
        request = checked(checked_request, words.studio, preview_request(event.id, moved))
        sketch = self._sketch(words.studio, request, self.painted, LIVE)
        return {self.painted_title: heading("While you drag"), **sketch}

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
            for frame, views in self._frames(vocabulary, k, grid, sketched=grid is self.painted):
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
        vectors, scales = zip(*(between(words.prototypes, a, b, i / (FILM - 1)) for i in range(FILM)), strict=True)
        ids, ones = torch.arange(FILM)[:, None], torch.ones(FILM, 1)
        way = tensor_of(vectors, words.prototypes.dim)
        condition = from_vectors(way, ids, ones, spherical=words.prototypes.spherical)
        strip = painted(words.studio, condition, SEED, DEFAULT_STEPS, DEFAULT_GUIDANCE * torch.tensor(scales))
        items = [Item(i, f"{100 * i / (FILM - 1):.0f} %") for i in range(FILM)]
        text = f"from {words.names[a]} to {words.names[b]}; pick one, and keep it"
        yield {self.film_line: status(text), self.film: pictures(strip, items, across=FILM)}

    def on_film_pick(self, event: gr.EventData) -> float:
        return min(1.0, max(0.0, round(int(event.id) / (FILM - 1), 2)))

    # Editing.

    def _edit(self, operation: str, arguments: Callable[..., dict], *, needs_star: bool = False) -> Callable:
        """A handler: `arguments` makes an edit's from (vocabulary, chosen star, the inputs' values)."""

        def handler(sets: Sets, model: str, star: int | None, *values):
            words = self._words(sets, model)
            if needs_star and star not in words.names:
                raise gr.Error(NEEDS_STAR, print_exception=False)
            return self._done(words, sets, star, operation, checked(arguments, words, star, *values))

        return handler

    def _done(self, words: Vocabulary, sets: Sets, star: int | None, operation: str, given: dict) -> dict:
        """Everything after an edit; what it has made is chosen."""
        history = sets.history(words.studio)
        prototypes, sentence = checked(apply, history.now, operation, given, words.edit_context)
        new = [k for k in prototypes.ids if k not in history.now.ids]
        sets, star = sets.put(words.studio, history.do(sentence, prototypes)), new[0] if new else star
        return self.set_views(words.studio, sets, star) | self._sketched(words.studio, sets, star)

    def _sketched(self, studio: Studio, sets: Sets, star: int | None) -> dict:
        """What the student makes of an edited prototype: with the edit, without waiting for an event of its own."""
        words = sets.vocabulary(studio)
        if studio.pdm.student is None or star not in words.names or words.prototypes.get(star).muted:
            return {}
        request = checked(checked_request, studio, preview_request(star, words.prototypes if words.edited else None))
        if known(words, request) is not None:
            return {}
        return {self.painted_title: heading("After"), **self._sketch(studio, request, self.painted)}

    def on_drag(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        given = {"id": event.id, "point": [event.x, event.y]}
        return self._done(self._words(sets, model), sets, event.id, "move", given)

    def on_add_point(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        return self._done(self._words(sets, model), sets, None, "add", {"point": [event.x, event.y]})

    def on_add_picture(self, sets: Sets, model: str, image: Image.Image | None) -> dict:
        if image is None:
            raise gr.Error("picture: expected one above, got none", print_exception=False)
        words = self._words(sets, model)
        vector = words.studio.features(self._picture(words.studio, image))[0].tolist()
        return self._done(words, sets, None, "add", {"vector": vector})

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
        self.wire_looking()
        dragged = [self.line, self.painted_title, self.painted]
        self.view.dragging(self.on_dragging, here, dragged, concurrency_id=DENOISING, trigger_mode="once", **PRIVATE)
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
            self.view.place(self.on_add_point, here, self.edited, **QUICK),
            self.find.add.click(self.on_add_picture, [*here, self.find.upload], self.edited, **QUICK),
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
            (self.add_it.click, "add", _mean, [self.region], {}),
            (self.keep.click, "blend", lambda w, k, a, b, t: {"a": a, "b": b, "t": t}, [self.a, self.b, self.t], {}),
            (self.keep_analogy.click, "analogy", _a_b_c, [self.a, self.b, self.c], {}),
        ):  # fmt: skip
            handler = self._edit(operation, arguments, **options)
            edits.append(trigger(handler, [*at, *inputs], self.edited, **QUICK))
        for edit in edits:
            edit.success(self.on_preview, [*at, self.switch.pressed], compared, **painting)
            edit.success(self.find.on_text, [*here, self.find.text], [self.find.list, self.view], **QUICK)
        self.edits = edits


def _a_b_c(words: Vocabulary, star: int | None, a: int | None, b: int | None, c: int | None) -> dict:
    return {"a": a, "b": b, "c": c}


def _tags(text: str) -> list[str]:
    return [t.strip() for t in text.split(",") if t.strip()]


def _towards(words: Vocabulary, star: int, other: int | str | None, share: float) -> dict:
    if other is None:
        raise ValueError("Move towards: expected a prototype or a class, got none")
    here = words.prototypes.vectors([star])[0]
    there = region_vector(words, other) if isinstance(other, str) else words.prototypes.vectors(words.check([other]))[0]
    return {"id": star, "vector": (here + float(share) * (there - here)).tolist()}


def _mean(words: Vocabulary, star: int | None, region: tuple[int, ...]) -> dict:
    if not region:
        raise ValueError("images: expected some, got none; draw a lasso round them, or choose them from the list")
    return {"images": list(region)}
