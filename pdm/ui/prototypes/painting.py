"""Painting on the Prototypes tab: what a prototype stands for, and what it stood for before an edit."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import gradio as gr
import torch
from PIL import Image

from pdm.app.painting import Frame, run
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.sketches import sketch_price, sketched
from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.data.images import to_pil
from pdm.editing.edits import apply
from pdm.editing.prototype_set import PrototypeSet
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.guard.turns import fixed, gated, queued
from pdm.ui.prototypes.asked_edit import NEEDS_STAR
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.strips import Strips
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import QUICK, StopSwitch
from pdm.ui.shared.previews import PREVIEWS, Previews, preview_request
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading, milliseconds, sketched_in, status

PAINTS = "What it paints"
BETWEEN = 0.15  # seconds between two looks at unfinished pictures: each one that is sent holds up the next
SLIDER = 256  # pixels a side of the one picture before | after


@dataclass(frozen=True)
class Look:
    """What the page shows of pictures in the making; `images` once they are finished. `frame`: of the denoiser."""

    views: dict
    frame: Frame | None = None
    images: torch.Tensor | None = None


class Painting:
    """Fills the `strips`. Sketches come first, the student's where a model has one; what stays is painted in full.

    `dropped`: where a star was let go, for the edit that follows the event `let_go`.
    """

    def __init__(self, visit: Visit, star_map: StarMap, strips: Strips, title: gr.HTML, previews: Previews):
        """title: what the inspector says of the chosen star; the one in hand takes its place."""
        self.visit, self.strips, self.title, self.previews = visit, strips, title, previews
        self.switch = StopSwitch(strips.stop)
        self.dropped = gr.State(None)
        here, view = visit.inputs, star_map.view
        dragged = [title, strips.line, strips.painted_title, strips.painted]
        # A place that the star was dragged past gives way to whatever else of this visitor waits, such as the drop.
        live = gated(self.on_dragging, self._live_price, newer="refused", instead=lambda *args: gr.skip())
        view.dragging(live, here, dragged, trigger_mode="once", **QUICK)
        drop = gated(self.on_drop, self.sketch_price, instead=self.on_drop_alone)
        self.let_go = view.drag(drop, here, [*dragged, self.dropped, strips.slider_fold], **QUICK)
        asked = [*here, star_map.chosen, self.switch.pressed]
        waiting = lambda before: {strips.line: status(queued(before))}  # noqa: E731
        stopped = self.switch.asked_of
        cost = fixed(PREVIEWS, DEFAULT_STEPS)
        paint = gated(self.on_paint, cost, waiting=waiting, stopped=stopped(self.on_paint))
        self.asked_for = strips.paint.click(paint, asked, strips.grids, **QUICK)
        cost = fixed(2 * PREVIEWS, DEFAULT_STEPS)
        self.preview = gated(self.on_preview, cost, waiting=waiting, stopped=stopped(self.on_preview))
        self.compared = [*strips.grids, strips.slider, strips.slider_fold]  # the outputs of `on_preview`

    def on_paint(
        self, sets: VisitorSets, model: str, star: int | None, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        shown_set = self.visit.shown_set(sets, model)
        if star is None or star not in shown_set.names:
            raise gr.Error(NEEDS_STAR, print_exception=False)
        yield from self._watched(self._looks(shown_set, star, self.strips.painted), asker, pressed)

    def on_dragging(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """While a star is dragged: a sketch of what it paints at the place where it is."""
        shown_set, place = self.visit.shown_set(sets, model), _place(event)
        sketch = self._sketch_there(shown_set, place, live=True)
        return {**self._named(shown_set, place), self.strips.painted_title: heading("While you drag"), **sketch}

    def _named(self, shown_set: ShownSet, place: dict) -> dict:
        """The title of the star in hand: what is said of the one that was chosen before is not said of it."""
        star = or_gr_error(shown_set.check, [place["id"]])[0]
        return {self.title: heading(shown_set.names[star], "", shown_set.colours[star], named=True)}

    def on_drop(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """A dragged star was let go. Its pictures come first: the page takes longer over what else the edit changes."""
        shown_set, place = self.visit.shown_set(sets, model), _place(event)
        sketch = {self.strips.painted_title: heading("After"), **self._sketch_there(shown_set, place)}
        named = self._named(shown_set, place)
        return {self.dropped: place, self.strips.slider_fold: gr.update(visible=False), **named, **sketch}

    def on_drop_alone(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """The same without pictures, where too much waits to make some: the edit is made all the same."""
        return {self.dropped: _place(event), self.strips.slider_fold: gr.update(visible=False)}

    def on_preview(
        self, sets: VisitorSets, model: str, star: int | None, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """After an edit: what the prototype paints now, then what it, or the one nearest to it, painted before."""
        studio, strips = self.visit.library.get(model), self.strips
        now, earlier = sets.shown_set(studio), studio.shown_set(sets.history(studio).undo().now)
        if star is None or star not in now.names or now.prototypes.get(star).muted:
            return
        before_title, after_title, old = compared(now, star, earlier)
        sketch = self._sketch(now, star, strips.painted) if self._wants_sketch(now, star) else {}
        yield {strips.before_title: before_title, strips.painted_title: after_title, **sketch}
        looks = self._looks(now, star, strips.painted, sketched=True)
        after = yield from self._watched(looks, asker, pressed)
        if after is None or old is None:
            return
        looks = self._looks(earlier, old, strips.before, said=f"{now.names[star]}, and what was there before")
        before = yield from self._watched(looks, asker, pressed)
        if before is not None:
            pair = tuple(_enlarged(images[0]) for images in (before, after))
            yield {strips.slider: gr.update(value=pair), strips.slider_fold: gr.update(visible=True)}

    def known_sketch(self, sets: VisitorSets, studio: Studio, star: int | None) -> dict:
        """Sketches of a prototype, if they are known: an edit shows them without running any net."""
        shown_set, earlier = sets.shown_set(studio), studio.shown_set(sets.history(studio).undo().now)
        if star is None or star not in shown_set.names or shown_set.prototypes.get(star).muted:
            return {}
        sketch = self.previews.known(shown_set, sketch_request(studio, star, None))
        if sketch is None or not self._wants_sketch(shown_set, star):
            return {}
        _, title, _ = compared(shown_set, star, earlier)
        return {self.strips.painted_title: title, **self._sketch(shown_set, star, self.strips.painted)}

    @property
    def sketched(self) -> list:
        """Everything that `at_a_click` and `known_pictures` set."""
        return [self.strips.line, self.strips.painted_title, self.strips.painted]

    def at_a_click(self, shown_set: ShownSet, star: int) -> dict:
        """What a star paints as it can be shown at once: pictures that are known, else sketches."""
        known = self.known_pictures(shown_set, star)
        if known:
            return known
        return {self.strips.painted_title: heading(PAINTS), **self._sketch(shown_set, star, self.strips.painted)}

    def known_pictures(self, shown_set: ShownSet, star: int) -> dict:
        """What a star paints, in full or else sketched, if it is known; no net runs."""
        sketch = sketch_request(shown_set.studio, star, None)
        for request, line in (
            (preview_request(star, None), f"{PREVIEWS} pictures from {shown_set.names[star]}"),
            (sketch, sketched_in(sketch)),
        ):
            if (images := self.previews.known(shown_set, request)) is not None:
                title = heading(PAINTS)
                values = (status(line), title, _eight(images))
                return dict(zip(self.sketched, values, strict=True))
        return {}

    def sketch_of(self, shown_set: ShownSet, star: int) -> torch.Tensor:
        """Sketches of a star, uint8 (B, C, H, W)."""
        return self._sketched(shown_set, star)[1]

    def sketch_price(self, sets: VisitorSets, model: str, *rest) -> float:
        """What the sketches of one star cost at the gate."""
        return sketch_price(self.visit.library.loaded(model), PREVIEWS)

    def _live_price(self, sets: VisitorSets, model: str, *rest) -> float:
        return sketch_price(self.visit.library.loaded(model), PREVIEWS, live=True)

    def _watched(
        self, looks: Iterator[Look], asker: gr.Request, pressed: float
    ) -> Generator[dict, None, torch.Tensor | None]:
        """The views of each look. Returns the finished pictures, or None when the visitor has pressed Stop."""
        images = None
        for look in looks:
            frame, images = look.frame, look.images
            if frame is not None and self.switch.asked(asker, pressed):
                yield {self.strips.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return None
            yield look.views
        return images

    def _looks(
        self, shown_set: ShownSet, star: int, grid: PictureGrid, sketched: bool = False, said: str = ""
    ) -> Iterator[Look]:
        """Eight pictures of one prototype into a grid, step by step; those that are known already come at once.

        `sketched`: sketches are in the grid already. `said`: what the line says they are from, where that is not the
        prototype's name.
        """
        request = or_gr_error(resolved, shown_set.studio, preview_request(star, _edited(shown_set)))
        images = self.previews.known(shown_set, request)
        if images is not None:
            line = status(f"{PREVIEWS} pictures from {said or shown_set.names[star]}")
            yield Look({self.strips.line: line, grid: _eight(images)}, images=images)
            return
        if not sketched:
            yield Look(self._sketch(shown_set, star, grid))
        shown = 0.0
        for frame in run(shown_set.studio, request):
            if not frame.done and time.monotonic() - shown < BETWEEN:
                continue
            shown = time.monotonic()
            if not frame.done:
                line = status(f"step {frame.step} of {frame.total}", frame.step / frame.total)
                yield Look({self.strips.line: line}, frame)  # what is half done would look worse than the sketch
                continue
            self.previews.remember(shown_set, request, frame.images)
            took = f"{frame.total} steps in {frame.denoise_ms / 1000:.1f} s"
            line = status(f"{PREVIEWS} pictures from {said or shown_set.names[star]}, {took}")
            yield Look({self.strips.line: line, grid: _eight(frame.images)}, frame, frame.images)

    def _wants_sketch(self, shown_set: ShownSet, star: int) -> bool:
        """Whether the pictures in full are not known, which would be shown at once."""
        return self.previews.known(shown_set, preview_request(star, None)) is None

    def _sketch(self, shown_set: ShownSet, star: int, grid: PictureGrid, *, live: bool = False) -> dict:
        """The eight pictures as a sketch, at once."""
        line, images = self._sketched(shown_set, star, live=live)
        return {self.strips.line: status(line), grid: _eight(images)}

    def _sketched(self, shown_set: ShownSet, star: int, *, live: bool = False) -> tuple[str, torch.Tensor]:
        """Eight sketches, and a line on what made them and, where they were not known, how long they took."""
        asked = sketch_request(shown_set.studio, star, _edited(shown_set), live=live)
        request = or_gr_error(resolved, shown_set.studio, asked)
        line, images = sketched_in(request), self.previews.known(shown_set, request)
        if images is not None:
            return line, images
        *_, frame = run(shown_set.studio, request)
        if not live:  # the places that a star is dragged past would push out what an undo shows
            self.previews.remember(shown_set, request, frame.images)
        return f"{line} in {milliseconds(frame.denoise_ms)}", frame.images

    def _sketch_there(self, shown_set: ShownSet, place: dict, *, live: bool = False) -> dict:
        """Sketches of a prototype at a place of the map, the arguments of a move."""
        moved, _ = or_gr_error(apply, shown_set.prototypes, "move", place, shown_set.edit_context)
        there = ShownSet(shown_set.studio, moved, shown_set.layout)
        return self._sketch(there, place["id"], self.strips.painted, live=live)


def sketch_request(studio: Studio, star: int, prototypes: PrototypeSet | None, *, live: bool = False) -> Request:
    """`preview_request` as a sketch."""
    return sketched(studio, preview_request(star, prototypes), live=live)


def compared(now: ShownSet, star: int, earlier: ShownSet) -> tuple[str, str, int | None]:
    """The titles over the pictures from before an edit and after it, and the prototype that is painted from before.

    There is none, and no title, where the edit changes no picture of `star`: it was named, or another one was edited.
    """
    old = star if star in earlier.names else nearest_to(now, star, earlier)
    here, there = now.prototypes.get(star), earlier.prototypes.get(old)
    if there.muted or (here.vector, here.scale) == (there.vector, there.scale):
        return "", heading(PAINTS), None
    title = "Before" if old == star else f"Before, the nearest was {earlier.names[old]}"
    return heading(title), heading("After"), old


def nearest_to(now: ShownSet, star: int, earlier: ShownSet) -> int:
    """The prototype of an earlier set that lies nearest to one that it does not have."""
    distances = earlier.prototypes.distances(now.vectors([star]))[0]
    return earlier.prototypes.ids[int(distances.argmin())]


def _edited(shown_set: ShownSet) -> PrototypeSet | None:
    """The set as a request takes it: None for the model's own."""
    return shown_set.prototypes if shown_set.edited else None


def _eight(images: torch.Tensor) -> dict:
    """The value of a grid for the pictures of one prototype."""
    return pictures(images, [Item(i) for i in range(len(images))], across=4, still=True)


def _enlarged(image: torch.Tensor) -> Image.Image:
    return to_pil(image).resize((SLIDER, SLIDER), Image.Resampling.NEAREST)


def _place(event: gr.EventData) -> dict:
    """Where a star is dragged to, as the arguments of the edit "move"."""
    return {"id": event.id, "point": [event.x, event.y]}
