"""Sketches of what is picked: pictures follow the hand before anything is generated."""

from __future__ import annotations

import gradio as gr
from gradio.events import Dependency

from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.sketches import sketch_price, sketched
from pdm.app.studio import Studio
from pdm.ui.components.mixer import Mixer
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.generate.asked import mix_in
from pdm.ui.generate.batches import across
from pdm.ui.generate.settings import Settings
from pdm.ui.guard.turns import gated
from pdm.ui.shared.events import LATEST, PRIVATE, QUICK
from pdm.ui.shared.numbers import as_whole
from pdm.ui.shared.session import Picks, VisitorSets
from pdm.ui.shared.wording import count_of, painter, status

SKETCHED = 8
# The last input says whether something is being painted in full, was just asked for, or was asked for after what is to
# be sketched, whose answer may come late: no sketch is laid over that.
BUSY = """(...values) => [...values.slice(0, -1), Boolean(document.querySelector('#generate-status .status i'))
  || Date.now() - (window.generateAsked ?? 0) < 1500 || (window.mixAsked ?? 0) < (window.generateAsked ?? 0)]"""
ASKED = "() => { window.generateAsked = Date.now(); }"
MIXED = "(...values) => { window.mixAsked = Date.now(); return values; }"  # of what changes the picks
MIXING = f"(...values) => ({BUSY})(...({MIXED})(...values))"


class Sketch:
    """Fills the grid, and the line over it.

    A sketch is no batch: it is in no history and cannot be clicked. Its seed is that of the settings, so that pictures
    change with the mix alone.
    """

    def __init__(self, library: Library, settings: Settings, line: gr.HTML, grid: PictureGrid):
        self.library, self.line, self.grid = library, line, grid
        self.asked = [settings.guidance, settings.seed, gr.Checkbox(False, visible=False)]

    def connect(
        self, picks: gr.State, sets: gr.State, model: gr.Dropdown, mixer: Mixer, changed: list[Dependency]
    ) -> None:
        """Follow the mixer while a weight is moved, and whatever has `changed` the picks."""
        # A sketch gives way to whatever else of this visitor waits, such as pictures that he asked for.
        nothing = lambda *args: gr.skip()  # noqa: E731
        follow = gated(self.on_sketch, self._price, newer="refused", instead=nothing)
        self.events = []
        for event in changed:
            self.events += [
                event.success(follow, [picks, sets, model, *self.asked], [self.line, self.grid], js=BUSY, **LATEST)
            ]
        moving = gated(self.on_mixing, self._price_mixing, newer="refused", instead=nothing)
        shown = [self.line, self.grid]
        self.events += [
            mixer.mixing(moving, [sets, model, *self.asked], shown, js=MIXING, trigger_mode="once", **QUICK)
        ]

    def give_way_to(self, go: gr.Button) -> None:
        """A sketch that is still on its way when this button is pressed comes no more."""
        go.click(None, None, None, js=ASKED)
        go.click(None, None, None, cancels=self.events, queue=False, **PRIVATE)

    def on_sketch(self, picks: Picks, sets: VisitorSets, model: str, guidance, seed, busy: bool) -> dict:
        """Pictures of what is picked; nothing for what cannot be painted, which is said once it is asked for."""
        studio = self.library.get(model)
        if busy:
            return gr.skip()
        try:
            request = _request(studio, picks, sets, guidance, seed)
        except ValueError:
            return gr.skip()
        *_, last = run(studio, request)
        items = [Item(i) for i in range(len(last.images))]
        shown = pictures(last.images, items, across=across(len(items)), still=True, hold=True)
        by = f"Sketched{painter(request.sampler)} in {count_of(request.steps, 'step')}"
        return {self.line: status(f"{by}. Generate paints this mix in full."), self.grid: shown}

    def on_mixing(self, sets: VisitorSets, model: str, guidance, seed, busy: bool, event: gr.EventData) -> dict:
        """While a weight is being moved."""
        picks = mix_in(sets.shown_set(self.library.get(model)), event)
        return self.on_sketch(picks, sets, model, guidance, seed, busy)

    def _price(self, picks: Picks, sets: VisitorSets, model: str, guidance, seed, busy: bool) -> float:
        return 1.0 if busy else sketch_price(self.library.loaded(model), SKETCHED, guidance, live=True)

    def _price_mixing(self, sets: VisitorSets, model: str, guidance, seed, busy: bool, event: gr.EventData) -> float:
        return self._price(Picks(), sets, model, guidance, seed, busy)


def _request(studio: Studio, picks: Picks, sets: VisitorSets, guidance, seed) -> Request:
    """What is sketched, resolved. Raises ValueError."""
    asked = Request(
        prototypes=picks.ids,
        weights=picks.weights,
        count=SKETCHED,
        seed=as_whole(seed),
        guidance=guidance,
        prototype_set=sets.now(studio),
    )
    return resolved(studio, sketched(studio, asked, live=True))
