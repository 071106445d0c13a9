"""Painting on the Canvas tab: a sketch while the hand moves, and the real picture once it rests."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import gradio as gr

from pdm.app.canvas import Drawing
from pdm.app.canvas_again import rest_of
from pdm.app.canvas_painting import (
    PREVIEW,
    CanvasRequest,
    Painted,
    painted,
    pictures_worth,
    resolved_canvas,
    run_canvas,
    sketched,
)
from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.own_picture import STEPS_BACK, OwnPicture
from pdm.app.requests import MAX_SEED
from pdm.app.studio import Studio
from pdm.sampling.student import STUDENT
from pdm.support.checks import is_whole
from pdm.ui.canvas.settings import Settings, request_of
from pdm.ui.canvas.works import Works, strip, to_keep
from pdm.ui.components.canvas_view import CanvasView, picture, sends
from pdm.ui.components.picture_grid import PictureGrid
from pdm.ui.guard.turns import NEWER, gated, queued
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, PRIVATE, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.latest import Turns
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import count_of, painter, status

BETWEEN = 0.15  # seconds between two looks at an unfinished picture: each one that is sent holds up the next
SMALLEST = 32  # pixels a side of a net's picture, where its model is not known yet: so a canvas costs the most


class Painting:
    """Paints what the view holds. `works` are the finished pictures, `latest` what is seen, a sketch or one of them;
    `own` the visitor's own picture beneath.

    `kept` is what the browser keeps. For the tab: `outputs` is all that a finished picture sets.
    """

    def __init__(
        self,
        library: Library,
        view: CanvasView,
        settings: Settings,
        *,
        line: gr.HTML,
        history: PictureGrid,
        stop: gr.Button,
        kept: gr.BrowserState,
    ):
        self.library, self.view, self.settings, self.line, self.history = library, view, settings, line, history
        self.kept, self.switch, self.hands = kept, StopSwitch(stop), Turns()
        self.works = gr.State(Works(), time_to_live=SESSION_SECONDS)
        self.latest = gr.State(None, time_to_live=SESSION_SECONDS)
        self.own = gr.State(None, time_to_live=SESSION_SECONDS)
        self.outputs = [view, self.line, self.works, self.latest, history, kept]

    def connect(self, sets: gr.State, model: gr.Dropdown, another: gr.Button, changed: list) -> list:
        """What the hand, the settings and the button for another picture ask for; returns the events that paint.

        changed: other events after which the picture is to be painted anew.
        """
        here, view, values = [sets, model, self.view, self.own], self.view, self.settings.values
        sketch = gated(self.on_sketch, self._sketch_price, instead=lambda *args: gr.skip())
        view.sketch(
            sketch, [*here, self.latest, self.kept, *values], [view, self.latest, self.kept, self.line], **LATEST
        )
        view.hand(self.on_hand, None, None, trigger_mode="multiple", queue=False, **PRIVATE)
        asked = [*here, self.works, self.kept, self.switch.pressed, *values]
        rest = gated(self.on_rest, self._price, waiting=self._waiting, stopped=self.switch.asked_of(self.on_rest))
        asks = [view.rest, *self.settings.changes, *changed]
        runs = [ask(rest, asked, self.outputs, **LATEST) for ask in asks]
        anew = gated(self.on_another, self._price, waiting=self._waiting, stopped=self.switch.asked_of(self.on_another))
        return [*runs, another.click(anew, asked, [*self.outputs, self.settings.seed], **QUICK)]

    def _waiting(self, before: int | str) -> dict:
        """The line while a picture waits for its turn; nothing is said of one whose place the next stroke took."""
        return {self.line: status("" if before == NEWER else queued(before))}

    def on_hand(self, event: gr.EventData, asker: gr.Request) -> None:
        """The hand is on the canvas again: what is being painted for it is no longer wanted."""
        if is_whole(event.n, 0):
            self.hands.note(asker.session_hash, event.n)

    def on_sketch(
        self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, latest: Painted | None, kept: dict,
        steps, guidance, seed, ground, tileable,
    ) -> dict:  # fmt: skip
        studio, request, n = self._asked(sets, model, text, own, (steps, guidance, seed, ground, tileable))
        quick = or_gr_error(resolved_canvas, studio, sketched(studio, request))
        *_, last = run_canvas(studio, quick, rest_of(studio, quick, latest, finished=False))
        work = painted(studio, quick, last)
        said = f"Sketched{painter(quick.sampler)}; the picture follows when your hand rests."
        return {
            self.view: sends(picture=picture(work.image, "sketch", n)),
            self.latest: work,
            self.kept: to_keep(kept, studio, request),
            self.line: status(said),
        }

    def on_rest(
        self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, works: Works, kept: dict,
        pressed: float, steps, guidance, seed, ground, tileable, asker: gr.Request,
    ) -> Iterator[dict]:  # fmt: skip
        studio, request, n = self._asked(sets, model, text, own, (steps, guidance, seed, ground, tileable))
        yield from self._painted(studio, request, n, works, kept, lambda: self.switch.asked(asker, pressed), asker)

    def on_another(
        self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, works: Works, kept: dict,
        pressed: float, steps, guidance, seed, ground, tileable, asker: gr.Request,
    ) -> Iterator[dict]:  # fmt: skip
        """The same drawing from other noise."""
        seed = random.randrange(MAX_SEED)
        studio, request, n = self._asked(sets, model, text, own, (steps, guidance, seed, ground, tileable))
        yield {self.settings.seed: seed, self.line: status("starting", 0.0)}
        yield from self._painted(studio, request, n, works, kept, lambda: self.switch.asked(asker, pressed), asker)

    def _painted(
        self,
        studio: Studio,
        request: CanvasRequest,
        n: int,
        works: Works,
        kept: dict,
        stopped: Callable[[], bool],
        asker: gr.Request,
    ) -> Iterator[dict]:
        """The picture as it comes, until it is finished, Stop is pressed or the hand is on the canvas again."""
        request = or_gr_error(resolved_canvas, studio, request)
        quick, seen = request.sampler == STUDENT, 0.0
        shown = works.painted[works.shown] if works.painted else None
        for frame in run_canvas(studio, request, rest_of(studio, request, shown, finished=True)):
            if self.hands.passed(asker.session_hash, n):
                return
            if stopped():
                yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return
            if frame.done:
                yield self.work_views(studio, works.made(painted(studio, request, frame)), kept, n)
            elif not quick and time.monotonic() - seen > BETWEEN:
                seen = time.monotonic()
                yield {
                    self.line: status(f"step {frame.step} of {frame.total}", frame.step / frame.total),
                    self.view: sends(picture=picture(frame.images[0].numpy(), "step", n)),
                }

    def work_views(self, studio: Studio, works: Works, kept: dict, n: int | None = None) -> dict:
        """The picture that is shown of those that were painted, for mask `n` of the view."""
        work = works.painted[works.shown]
        shown = picture(work.image, "shown" if n is None else "final", n)
        return {
            self.view: sends(picture=shown),
            self.line: said(work),
            self.works: works,
            self.latest: work,
            self.history: strip(works),
            self.kept: to_keep(kept, studio, work.request),
        }

    def _asked(
        self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, values: tuple
    ) -> tuple[Studio, CanvasRequest, int]:
        """What the view and the settings ask for, not yet resolved. Raises gr.Error."""
        studio = or_gr_error(self.library.get, model)
        drawing, n = or_gr_error(Drawing.read, text)
        own = own if own is not None and own.model == model else None
        return studio, replace(request_of(drawing, values, sets.now(studio)), own=own), n

    def _price(self, sets, model, text, own, works, kept, pressed, steps, guidance, *rest) -> float:
        return self._worth(model, text, steps, guidance) + self._way_back(model, text, own)

    def _sketch_price(self, sets, model, text, own, latest, kept, *values) -> float:
        return self._worth(model, text, PREVIEW, 1) + self._way_back(model, text, own)

    def _way_back(self, model: object, text: object, own: OwnPicture | None) -> float:
        """The price of inverting the visitor's own picture, where that is needed."""
        return self._worth(model, text, 2 * STEPS_BACK * own.strength, 1) if own and own.mode == "kind" else 0.0

    def _worth(self, model: object, text: object, steps: object, guidance: object) -> float:
        """The price of a drawing that nobody has looked at yet, of any model: nothing is loaded for it."""
        try:
            values = json.loads(text) if isinstance(text, str) else {}
            width, height = (min(4096, max(1, int(values[side]))) for side in ("width", "height"))
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
            return 1.0
        studio = self.library.loaded(model)
        side = studio.pdm.image_size if studio else SMALLEST
        return price(max(1.0, pictures_worth(width, height, side)), steps, guidance)


def said(work: Painted) -> str:
    """The line over a finished picture."""
    request, drawing = work.request, work.request.drawing
    how = f"{count_of(request.steps, 'step')}{painter(request.sampler)} in {work.milliseconds / 1000:.2g} s"
    return status(f"{drawing.width} × {drawing.height} pixels, {how}. Seed {request.seed}.")
