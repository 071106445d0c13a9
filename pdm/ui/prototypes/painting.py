"""Painting on the Prototypes tab: what a prototype stands for, before and after an edit, and on the way of a blend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr
import torch
from PIL import Image

from pdm.app.painting import Frame, painted, run
from pdm.app.requests import resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.data.images import to_pil
from pdm.editing.edits import apply
from pdm.editing.operations import between
from pdm.editing.prototype_set import tensor_of
from pdm.model.conditioning import from_vectors
from pdm.sampling.student import STUDENT
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.prototypes.edit_panel import NEEDS_STAR
from pdm.ui.prototypes.looking import ExploreLooking
from pdm.ui.shared.events import StopSwitch
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.previews import PREVIEWS, SEED, known, preview_request, remember
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import count_of, heading, milliseconds, status

FILM = 7  # steps of a blend
SKETCH = 2  # steps of the student
LIVE = 1  # while the hand moves
BETWEEN = 0.15  # seconds between two looks at unfinished pictures: sending each one holds the next up
SLIDER = 256  # pixels a side of the one picture before | after


class ExplorePainting(ExploreLooking):
    """The handlers that paint. The student, where a model has one, sketches first; what stays is the denoiser's."""

    switch: StopSwitch

    def on_paint(
        self, sets: VisitorSets, model: str, star: int | None, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        shown_set = self._shown(sets, model)
        if star not in shown_set.names:
            raise gr.Error(NEEDS_STAR, print_exception=False)
        for frame, views in self._frames(shown_set, star, self.painted):
            if frame is not None and self.switch.asked(asker, pressed):
                yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return
            yield views

    def _frames(
        self, shown_set: ShownSet, star: int, grid: PictureGrid, sketched: bool = False
    ) -> Iterator[tuple[Frame | None, dict]]:
        """Eight pictures of one prototype into a grid, step by step; what is known already comes at once.

        The student, where there is one, goes first, unless it has sketched them into the grid already.
        """
        studio, items = shown_set.studio, [Item(i) for i in range(PREVIEWS)]
        prototypes = shown_set.prototypes if shown_set.edited else None
        request = or_gr_error(resolved, studio, preview_request(star, prototypes))
        images = known(shown_set, request)
        if images is not None:
            yield None, {self.line: status(""), grid: pictures(images, items, across=4, still=True)}
            return
        by_student = studio.pdm.student is not None
        if by_student and not sketched:
            yield None, self._sketch(shown_set, star, grid)
        shown = 0.0
        for frame in run(studio, request):
            if not frame.done and time.monotonic() - shown < BETWEEN:
                continue
            shown = time.monotonic()
            if frame.done:
                remember(shown_set, request, frame.images)
                text = f"{PREVIEWS} pictures from {shown_set.names[star]}, {frame.total} steps in"
                line = status(f"{text} {frame.denoise_ms / 1000:.1f} s")
            else:
                line = status(f"step {frame.step} of {frame.total}", frame.step / frame.total)
            views = {self.line: line}
            if frame.done or not by_student:  # what is half done would look worse than the sketch
                views[grid] = pictures(frame.images, items, across=4, still=True)
            yield frame, views

    def _sketch(self, shown_set: ShownSet, star: int, grid: PictureGrid, steps: int = SKETCH) -> dict:
        """The eight pictures as the student paints them, at once."""
        prototypes = shown_set.prototypes if shown_set.edited else None
        request = replace(preview_request(star, prototypes), steps=steps, sampler=STUDENT)
        request = or_gr_error(resolved, shown_set.studio, request)
        images, took = known(shown_set, request), ""
        if images is None:
            *_, frame = run(shown_set.studio, request)
            images, took = frame.images, f" in {milliseconds(frame.denoise_ms)}"
            if steps != LIVE:  # the places that a star is dragged past would push out what an undo shows
                remember(shown_set, request, images)
        items = [Item(i) for i in range(request.count)]
        line = status(f"sketched by the student, {count_of(steps, 'step')}{took}")
        return {self.line: line, grid: pictures(images, items, across=4, still=True)}

    def sketched(self, studio: Studio, sets: VisitorSets, star: int | None) -> dict:
        """What the student makes of a changed prototype: with the change, without waiting for an event of its own."""
        shown_set = sets.shown_set(studio)
        if studio.pdm.student is None or star not in shown_set.names or shown_set.prototypes.get(star).muted:
            return {}
        if known(shown_set, preview_request(star, None)) is not None:  # is shown by the next event
            return {}
        return {self.painted_title: heading("After"), **self._sketch(shown_set, star, self.painted)}

    def on_dragging(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """While a star is dragged: what the student makes of the place where it is."""
        return {self.painted_title: heading("While you drag"), **self._sketch_there(sets, model, _place(event), LIVE)}

    def on_drop(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """A dragged star was let go: its pictures first, for all else that the edit changes takes the page longer."""
        place, sketch = _place(event), {}
        if self.library.get(model).pdm.student is not None:
            sketch = {self.painted_title: heading("After"), **self._sketch_there(sets, model, place)}
        return {self.dropped: place, self.slider_fold: gr.update(visible=False), **sketch}

    def _sketch_there(self, sets: VisitorSets, model: str, place: dict, steps: int = SKETCH) -> dict:
        shown_set = self._shown(sets, model)
        moved, _ = or_gr_error(apply, shown_set.prototypes, "move", place, shown_set.edit_context)
        return self._sketch(ShownSet(shown_set.studio, moved, shown_set.layout), place["id"], self.painted, steps)

    def on_preview(
        self, sets: VisitorSets, model: str, star: int | None, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """After an edit: what the prototype paints now, then what it, or the one nearest to it, painted before."""
        studio = self.library.get(model)
        shown_set, history = sets.shown_set(studio), sets.history(studio)
        if star not in shown_set.names or shown_set.prototypes.get(star).muted:
            return
        earlier = studio.shown_set(history.undo().now)
        old = star
        if star not in earlier.names:
            distances = earlier.prototypes.distances(shown_set.vectors([star]))[0]
            old = earlier.prototypes.ids[int(distances.argmin())]
        same = old == star
        title = "Before" if same else f"Before, the nearest was {earlier.names[old]}"
        yield {self.before_title: heading(title), self.painted_title: heading("After")}
        strips = [(shown_set, star, self.painted)]
        if not earlier.prototypes.get(old).muted:
            strips.append((earlier, old, self.before))
        for shown_set, k, grid in strips:
            for frame, views in self._frames(shown_set, k, grid, sketched=grid is self.painted):
                if frame is not None and self.switch.asked(asker, pressed):
                    yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                    return
                yield views
        if len(strips) == 2:
            ends = [known(v, preview_request(k, v.prototypes)) for v, k, _ in reversed(strips)]
            pair = tuple(to_pil(images[0]).resize((SLIDER, SLIDER), Image.Resampling.NEAREST) for images in ends)
            yield {self.slider: gr.update(value=pair), self.slider_fold: gr.update(visible=True)}

    def on_film(self, sets: VisitorSets, model: str, a: int | None, b: int | None) -> Iterator[dict]:
        """The way from A to B at one seed: pictures of vectors that no prototype has yet."""
        shown_set = self._shown(sets, model)
        if a is None or b is None:
            raise gr.Error("blend: expected a prototype for A and one for B, got none", print_exception=False)
        or_gr_error(shown_set.check, [a, b])
        yield {self.film_line: status("painting", 0.5)}
        vectors, scales = zip(*(between(shown_set.prototypes, a, b, i / (FILM - 1)) for i in range(FILM)), strict=True)
        ids, ones = torch.arange(FILM)[:, None], torch.ones(FILM, 1)
        way = tensor_of(vectors, shown_set.prototypes.dim)
        condition = from_vectors(way, ids, ones, spherical=shown_set.prototypes.spherical)
        strip = painted(
            shown_set.studio, condition, SEED, DEFAULT_STEPS, shown_set.studio.guidance * torch.tensor(scales)
        )
        items = [Item(i, f"{100 * i / (FILM - 1):.0f} %") for i in range(FILM)]
        text = f"from {shown_set.names[a]} to {shown_set.names[b]}; pick one, and keep it"
        yield {self.film_line: status(text), self.film: pictures(strip, items, across=FILM)}

    def on_film_pick(self, event: gr.EventData) -> float:
        return min(1.0, max(0.0, round(int(event.id) / (FILM - 1), 2)))


def _place(event: gr.EventData) -> dict:
    """Where a star is dragged to, as the arguments of the edit "move"."""
    return {"id": event.id, "point": [event.x, event.y]}
