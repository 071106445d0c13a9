"""The Prototypes tab: looking at prototypes, painting from them, and everything that can be done to them."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from PIL import Image

from pdm.app.library import Library
from pdm.app.regions import region_vector
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.editing.edits import apply
from pdm.editing.history import EditHistory
from pdm.ui.prototypes.edit_panel import NEEDS_STAR
from pdm.ui.prototypes.painting import ExplorePainting
from pdm.ui.prototypes.parts import choices
from pdm.ui.prototypes.real_panel import fetch
from pdm.ui.prototypes.refit_panel import RefitPanel
from pdm.ui.prototypes.walk_panel import WalkPanel
from pdm.ui.shared.events import DENOISING, EVERY, LATEST, PRIVATE, QUICK, StopSwitch
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.keeping import DOWNLOAD, loaded_set, packed_set
from pdm.ui.shared.session import VisitorSets


class ExploreTab(ExplorePainting):
    """The methods named on_... handle events."""

    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown):
        super().__init__(library.get())
        self.library, self.sets, self.model = library, sets, model
        with self.more:
            self.walk = WalkPanel(library, sets, model, choices(library.get().shown_set()))
            self.refit = RefitPanel(library, sets, model)
        self.switch = StopSwitch(self.stop)
        self._wire()

    @property
    def edited(self) -> list:
        return [*super().edited, self.walk.stars, self.find.text, self.refit.back]

    def set_views(self, studio: Studio, sets: VisitorSets, star: int | None = None) -> dict:
        return super().set_views(studio, sets, star) | self.walk.views(sets.shown_set(studio))

    # Editing.

    def _edit(self, operation: str, arguments: Callable[..., dict], *, needs_star: bool = False) -> Callable:
        """A handler: `arguments` makes an edit's from (the set as shown, chosen star, the inputs' values)."""

        def handler(sets: VisitorSets, model: str, star: int | None, *values) -> dict:
            shown_set = self._shown(sets, model)
            if needs_star and star not in shown_set.names:
                raise gr.Error(NEEDS_STAR, print_exception=False)
            return self._done(shown_set, sets, star, operation, or_gr_error(arguments, shown_set, star, *values))

        return handler

    def _done(self, shown_set: ShownSet, sets: VisitorSets, star: int | None, operation: str, given: dict) -> dict:
        """Everything after an edit; what it has made is chosen."""
        history = sets.history(shown_set.studio)
        prototypes, sentence = or_gr_error(apply, history.now, operation, given, shown_set.edit_context)
        new = [k for k in prototypes.ids if k not in history.now.ids]
        sets, star = sets.put(shown_set.studio, history.do(sentence, prototypes)), new[0] if new else star
        return self._changed(shown_set.studio, sets, star)

    def _changed(self, studio: Studio, sets: VisitorSets, star: int | None) -> dict:
        """Everything after a change, with a first look at what the star in hand paints now."""
        return self.set_views(studio, sets, star) | self.sketched(studio, sets, star)

    def on_real(
        self,
        sets: VisitorSets,
        model: str,
        progress: gr.Progress = gr.Progress(track_tqdm=True),  # noqa: B008
    ) -> dict:
        return self.model_views(fetch(self.library, model, progress), sets)

    def on_drag(self, sets: VisitorSets, model: str, dropped: dict) -> dict:
        return self._done(self._shown(sets, model), sets, dropped["id"], "move", dropped)

    def on_add_point(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        return self._done(self._shown(sets, model), sets, None, "add", {"point": [event.x, event.y]})

    def on_add_picture(self, sets: VisitorSets, model: str, image: Image.Image | None) -> dict:
        if image is None:
            raise gr.Error("picture: expected one above, got none", print_exception=False)
        shown_set = self._shown(sets, model)
        vector = shown_set.studio.features(self._picture(shown_set.studio, image))[0].tolist()
        return self._done(shown_set, sets, None, "add", {"vector": vector})

    def on_load(self, sets: VisitorSets, model: str, path: str) -> dict:
        studio = self.library.get(model)
        return self.set_views(studio, loaded_set(studio, sets, path))

    def on_save(self, sets: VisitorSets, model: str) -> dict:
        return packed_set(self.library.get(model), sets)

    def _step(self, go: Callable[[EditHistory], EditHistory]) -> Callable:
        def handler(sets: VisitorSets, model: str, star: int | None) -> dict:
            studio = self.library.get(model)
            return self._changed(studio, sets.put(studio, go(sets.history(studio))), star)

        return handler

    def on_go(self, sets: VisitorSets, model: str, star: int | None, event: gr.EventData) -> dict:
        studio = self.library.get(model)
        return self._changed(studio, sets.put(studio, or_gr_error(sets.history(studio).go_to, event.index)), star)

    def _wire(self) -> None:
        p, here = self.panel, [self.sets, self.model]
        self.wire_looking()
        dragged = [self.line, self.painted_title, self.painted]
        self.view.dragging(self.on_dragging, here, dragged, concurrency_id=DENOISING, trigger_mode="once", **PRIVATE)
        dropped = self.view.drag(self.on_drop, here, [*dragged, self.dropped, self.slider_fold], **QUICK)
        strips = [self.line, self.before_title, self.before, self.painted_title, self.painted]
        compared = [*strips, self.slider, self.slider_fold]
        painting = {"concurrency_id": DENOISING, **PRIVATE}
        self.paint.click(self.on_paint, [*here, self.chosen, self.switch.pressed], strips, **painting)
        self.show_film.click(self.on_film, [*here, self.a, self.b], [self.film_line, self.film], **painting)
        self.save.click(self.on_save, here, self.file, **QUICK).success(None, self.file, None, js=DOWNLOAD)
        self.film.pick(self.on_film_pick, None, self.t, **EVERY)

        self.real.button.click(
            self.on_real,
            here,
            self.edited,
            show_progress_on=self.real.line,
            concurrency_limit=1,
            **{**PRIVATE, "show_progress": "full"},
        )

        at = [*here, self.chosen]
        one = {"needs_star": True}
        edits = [
            dropped.success(self.on_drag, [*here, self.dropped], self.edited, **QUICK),
            self.view.place(self.on_add_point, here, self.edited, **QUICK),
            self.find.add.click(self.on_add_picture, [*here, self.find.upload], self.edited, **QUICK),
            self.load.upload(self.on_load, [*here, self.load], self.edited, **QUICK),
            self.view.undo(self._step(EditHistory.undo), at, self.edited, **EVERY),
            self.view.redo(self._step(EditHistory.redo), at, self.edited, **EVERY),
            self.past.undo.click(self._step(EditHistory.undo), at, self.edited, **EVERY),
            self.past.redo.click(self._step(EditHistory.redo), at, self.edited, **EVERY),
            self.past.log.go(self.on_go, at, self.edited, **EVERY),
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
        ):
            handler = self._edit(operation, arguments, **options)
            edits.append(trigger(handler, [*at, *inputs], self.edited, **QUICK))
        for edit in edits:
            edit.success(self.on_preview, [*at, self.switch.pressed], compared, trigger_mode="always_last", **painting)
            edit.success(self.find.on_text, [*here, self.find.text], [self.find.list, self.view], **LATEST)
        self.edits = edits


def _a_b_c(shown_set: ShownSet, star: int | None, a: int | None, b: int | None, c: int | None) -> dict:
    return {"a": a, "b": b, "c": c}


def _tags(text: str) -> list[str]:
    return [t.strip() for t in text.split(",") if t.strip()]


def _towards(shown_set: ShownSet, star: int, other: int | str | None, share: float) -> dict:
    if other is None:
        raise ValueError("Move towards: expected a prototype or a class, got none")
    here = shown_set.prototypes.vectors([star])[0]
    there = (
        region_vector(shown_set, other)
        if isinstance(other, str)
        else shown_set.prototypes.vectors(shown_set.check([other]))[0]
    )
    return {"id": star, "vector": (here + float(share) * (there - here)).tolist()}


def _mean(shown_set: ShownSet, star: int | None, region: tuple[int, ...]) -> dict:
    if not region:
        raise ValueError("images: expected some, got none; draw a lasso round them, or choose them from the list")
    return {"images": list(region)}
