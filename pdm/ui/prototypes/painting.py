"""Painting on the Prototypes tab: what a prototype stands for, before and after an edit, and on the way of a blend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr
import torch
from PIL import Image

from pdm.app.requests import Frame, painted, run
from pdm.app.requests import checked as checked_request
from pdm.app.set_view import Vocabulary
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
from pdm.ui.shared.inspector import checked
from pdm.ui.shared.previews import PREVIEWS, SEED, known, preview_request, remember
from pdm.ui.shared.session import Sets
from pdm.ui.shared.wording import count_of, heading, milliseconds, status

FILM = 7  # steps of a blend
SKETCH = 2  # steps of the student
LIVE = 1  # while the hand moves
BETWEEN = 0.15  # seconds between two looks at unfinished pictures: sending each one holds the next up
SLIDER = 256  # pixels a side of the one picture before | after


class ExplorePainting(ExploreLooking):
    """The handlers that paint. The student, where a model has one, sketches first; what stays is the denoiser's."""

    switch: StopSwitch

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
            yield None, self._sketch(words, star, grid)
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

    def _sketch(self, words: Vocabulary, star: int, grid: PictureGrid, steps: int = SKETCH) -> dict:
        """The eight pictures as the student paints them, at once."""
        prototypes = words.prototypes if words.edited else None
        request = replace(preview_request(star, prototypes), steps=steps, sampler=STUDENT)
        request = checked(checked_request, words.studio, request)
        images, took = known(words, request), ""
        if images is None:
            *_, frame = run(words.studio, request)
            images, took = frame.images, f" in {milliseconds(frame.denoise_ms)}"
            if steps != LIVE:  # the places that a star is dragged past would push out what an undo shows
                remember(words, request, images)
        items = [Item(i) for i in range(request.count)]
        line = status(f"sketched by the student, {count_of(steps, 'step')}{took}")
        return {self.line: line, grid: pictures(images, items, across=4, still=True)}

    def sketched(self, studio: Studio, sets: Sets, star: int | None) -> dict:
        """What the student makes of a changed prototype: with the change, without waiting for an event of its own."""
        words = sets.vocabulary(studio)
        if studio.pdm.student is None or star not in words.names or words.prototypes.get(star).muted:
            return {}
        if known(words, preview_request(star, None)) is not None:  # is shown by the next event
            return {}
        return {self.painted_title: heading("After"), **self._sketch(words, star, self.painted)}

    def on_dragging(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        """While a star is dragged: what the student makes of the place where it is."""
        return {self.painted_title: heading("While you drag"), **self._sketch_there(sets, model, _place(event), LIVE)}

    def on_drop(self, sets: Sets, model: str, event: gr.EventData) -> dict:
        """A dragged star was let go: its pictures first, for all else that the edit changes takes the page longer."""
        place, sketch = _place(event), {}
        if self.library.get(model).pdm.student is not None:
            sketch = {self.painted_title: heading("After"), **self._sketch_there(sets, model, place)}
        return {self.dropped: place, self.slider_fold: gr.update(visible=False), **sketch}

    def _sketch_there(self, sets: Sets, model: str, place: dict, steps: int = SKETCH) -> dict:
        words = self._words(sets, model)
        moved, _ = checked(apply, words.prototypes, "move", place, words.edit_context)
        return self._sketch(Vocabulary(words.studio, moved, words.layout), place["id"], self.painted, steps)

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
        strip = painted(words.studio, condition, SEED, DEFAULT_STEPS, words.studio.guidance * torch.tensor(scales))
        items = [Item(i, f"{100 * i / (FILM - 1):.0f} %") for i in range(FILM)]
        text = f"from {words.names[a]} to {words.names[b]}; pick one, and keep it"
        yield {self.film_line: status(text), self.film: pictures(strip, items, across=FILM)}

    def on_film_pick(self, event: gr.EventData) -> float:
        return min(1.0, max(0.0, round(int(event.id) / (FILM - 1), 2)))


def _place(event: gr.EventData) -> dict:
    """Where a star is dragged to, as the arguments of the edit "move"."""
    return {"id": event.id, "point": [event.x, event.y]}
