"""Which model the page shows: the one it opens with, and the one that a visitor chooses from the cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import gradio as gr

from pdm.app.studio import Studio
from pdm.ui.canvas.tab import CanvasTab
from pdm.ui.compare.tab import CompareTab
from pdm.ui.components.model_cards import ModelCards, cards, choice
from pdm.ui.generate.asked import Arrival
from pdm.ui.guard.blocks import plain
from pdm.ui.remembered import Remembered
from pdm.ui.results.tab import ResultsTab
from pdm.ui.shared import keeping, link
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, QUICK
from pdm.ui.shared.kept_batches import read_of
from pdm.ui.shared.latest import Turns
from pdm.ui.shared.opening import Openings
from pdm.ui.shared.session import BatchHistory, Picks, VisitorSets

LINKED = "opened a link"  # the sentence of the edit that a link's prototypes are
LOOK = 0.05  # seconds between two looks at whether a model is there, and still wanted


def of_model(made: BatchHistory, name: str) -> BatchHistory | None:
    """The batches with the latest one of this model shown; None where there is none of it."""
    return next((replace(made, shown=i) for i, batch in enumerate(made.batches) if batch.model == name), None)


def _with_set(studio: Studio, sets: VisitorSets, arrival: Arrival | None) -> tuple[VisitorSets, bool]:
    """The visitor's sets with that of a link as one more step of his own, and whether there was any."""
    if arrival is None or arrival.request.prototype_set is None:
        return sets, False
    return sets.put(studio, sets.history(studio).do(LINKED, arrival.request.prototype_set)), True


class ModelChoice:
    """Fills all tabs for a model. `kept` is what the browser keeps of the visitor's sets."""

    def __init__(
        self,
        openings: Openings,
        shelf: ModelCards,
        remembered: Remembered,
        drawing: CanvasTab,
        comparing: CompareTab,
        measured: ResultsTab,
    ):
        self.library, self.openings, self.built = openings.library, openings, openings.library.get()
        self.shelf, self.remembered, self.turns = shelf, remembered, Turns()
        self.model, self.making, self.exploring = remembered.model, remembered.making, remembered.exploring
        self.judging, self.drawing, self.comparing, self.measured = remembered.judging, drawing, comparing, measured
        self.kept = gr.BrowserState({}, storage_key=keeping.STORAGE_KEY, secret=keeping.STORAGE_SECRET)

    def connect(self, page: gr.Blocks, sets: gr.State) -> None:
        making = self.making
        others = [self.drawing.view, *self.comparing.of_model, *self.judging.of_model, *self.measured.of_model]
        chosen = [self.model, self.shelf, *making.gallery, *making.batch, *making.of_model, *self.exploring.edited]
        chosen += others
        now = [self.model, making.made, self.measured.shown, *self.comparing.steps]
        opened = [*dict.fromkeys([*chosen, *self.remembered.outputs, self.kept])]
        self.begun = page.load(
            self.on_open, [making.picks, self.kept, *self.remembered.kept.all, *now], opened, **QUICK
        )
        # One choice after the other, so that the last one has the last word; "turn" tells the one before to give up.
        self.shelf.turn(self.on_turn, self.shelf, None, trigger_mode="multiple", **QUICK)
        painting = [*making.runs, *self.drawing.runs, self.comparing.run, self.judging.run]
        self.chosen = self.shelf.choose(self.on_choose, [self.shelf, sets, *now], chosen, cancels=painting, **LATEST)
        favourites = making.favourites
        self.chosen.success(favourites.on_model, [favourites.made, self.model], favourites.outputs, **LATEST)

    def on_open(self, asker: gr.Request, picks: Picks, edits: dict, *given: Any) -> dict:
        """A visit begins: what the browser kept of the last ones, and what the address asks for."""
        library, making, remembered = self.library, self.making, self.remembered
        kept, (name, made, shown, *steps) = remembered.read(given)
        sets = keeping.restored(library, edits)
        studio = self._first_there(asker.query_params.get("model"), kept.model, name)
        arrival = self._linked(studio, sets, asker.query_params)
        sets, brought = _with_set(studio, sets, arrival)
        shown_set = sets.shown_set(studio)
        asked = link.parsed(shown_set, asker.query_params)
        mix = Picks(asked.prototypes, asked.weights) if asked.prototypes or arrival else picks
        picks = (mix if mix.ids or arrival else kept.picks(shown_set)).within(shown_set.prototypes.active)
        made = kept.made(studio) if made.opening else made
        if of_model(made, studio.name) is None:
            made = replace(self.openings.of(studio.name), unread=made.unread)
        explored = (
            self.exploring.set_views(studio, sets) if studio is self.built else self.exploring.model_views(studio, sets)
        )
        filmed = studio is self.built and arrival is None and not shown_set.edited
        film = self.openings.film(studio.name) if filmed else None
        return {
            self.model: studio.name,
            self.shelf: cards(library, studio.name),
            **making.model_views(studio),
            **making.picked_views(shown_set, picks),
            **making.batch_views(made),
            **self.exploring.opened(shown_set, explored, film, (of_model(made, studio.name) or made).batch),
            **({} if studio is self.built else self._others(studio.name, shown, tuple(steps))),
            **kept.views(shown_set, made),
            **({} if asked.seed is None else making.settings.same_seed(asked.seed)),
            **({} if arrival is None else making.arrival_views(arrival)),
            **({self.kept: keeping.stored(library, sets)} if brought else {}),
        }

    def _linked(self, studio: Studio, sets: VisitorSets, params: Mapping[str, str]) -> Arrival | None:
        """The picture of a link; None where the address is of none, or cannot be understood, which is said."""
        if "picture" not in params:
            return None
        try:
            if params.get("model") != studio.name:
                raise ValueError("This link is to a picture of a model that is not here.")
            found = link.picture(studio, sets.history(studio), params)
        except ValueError as error:
            gr.Warning(plain(str(error)))
            return None
        return None if found is None else Arrival(studio.name, *found)

    def _first_there(self, *names: str | None) -> Studio:
        """The first of these models that is offered and whole, else the default one."""
        for name in names:
            if name in self.library.names:
                with suppress(ValueError, OSError):
                    return self.library.get(name)
        return self.library.get()

    def on_turn(self, value: str, asker: gr.Request) -> None:
        _, turn = or_gr_error(choice, value, self.library.names)
        self.turns.note(asker.session_hash, turn)

    def on_choose(
        self,
        asker: gr.Request,
        value: str,
        sets: VisitorSets,
        name: str,
        made: BatchHistory,
        shown: str,
        *steps: float,
    ) -> Iterator[dict]:
        """Everything for the model that a card asks for, once it is there; nothing where another was chosen since.

        `name` is the model on the page, which stays where the other one is damaged; then raises gr.Error.
        """
        wanted, turn = or_gr_error(choice, value, self.library.names)
        try:
            there = self._there(wanted, not of_model(made, wanted), turn, asker.session_hash)
        except (ValueError, OSError) as error:
            yield {self.shelf: cards(self.library, name, turn=turn)}
            raise gr.Error(str(error), print_exception=False) from error
        views = {self.model: gr.skip()}
        if there:
            views = self._views(self.library.get(wanted), sets, made) | self._others(wanted, shown, steps)
            views |= {self.model: wanted, self.shelf: cards(self.library, wanted, turn=turn)}
        yield {self.model: gr.skip()} if self.turns.passed(asker.session_hash, turn) else views

    def _there(self, name: str, paint: bool, turn: int, visitor: str | None) -> bool:
        """Wait until a model is loaded, with its opening pictures where these are shown.

        False where the visitor has chosen another one meanwhile. Raises ValueError for a damaged model.
        """
        thread = self.openings.begin(name, paint=paint)
        while thread.is_alive() and not self.turns.passed(visitor, turn):
            thread.join(LOOK)
        if self.turns.passed(visitor, turn):
            return False
        if paint:
            self.openings.of(name)
        return self.library.get(name) is not None

    def _views(self, studio: Studio, sets: VisitorSets, made: BatchHistory) -> dict:
        """The tabs that show a model's pictures and prototypes; what the visitor made of others stays in the strip."""
        made, shown_set = read_of(made, studio), sets.shown_set(studio)
        own = of_model(made, studio.name)
        if own is None:
            opening = self.openings.of(studio.name)
            own = opening if made.opening or opening.batch is None else made.made(opening.batch)
        return {
            **self.making.picked_views(shown_set, Picks()),
            **self.making.model_views(studio),
            **self.making.batch_views(own),
            **self.exploring.opened(shown_set, self.exploring.model_views(studio, sets), None, own.batch),
        }

    def _others(self, name: str, shown: str, steps: tuple[float, ...]) -> dict:
        """The tabs that show what was asked of a model: nothing yet. `shown`: whose results are on the page."""
        return {
            **self.drawing.on_model(name),
            **self.comparing.on_model(name, *steps),
            **self.judging.on_model(name),
            **self.measured.on_model(name, shown),
        }
