"""What a visitor did, back when the page is opened again: kept by the browser, checked here as any other input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.generate.asked import Arrival
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.judge.own_votes import OwnVotes
from pdm.ui.judge.tab import BlindTab
from pdm.ui.prototypes.tab import ExploreTab
from pdm.ui.shared.kept_batches import from_kept
from pdm.ui.shared.kept_visit import KEEP, KeptStates, model_kept, picks_from, settings_from, values_from
from pdm.ui.shared.session import BatchHistory, Picks


class Remembered:
    """`kept` are the states that the browser keeps; `outputs` is all that `Kept.views` sets."""

    def __init__(
        self, kept: KeptStates, model: gr.Dropdown, making: GenerateTab, exploring: ExploreTab, judging: BlindTab
    ):
        self.kept, self.model, self.making, self.exploring, self.judging = kept, model, making, exploring, judging
        self.outputs = [
            *making.settings.values,
            making.arriving,
            *making.favourites.outputs,
            *exploring.blend.kept,
            *exploring.walk.kept,
            judging.votes_of_own,
            judging.own,
        ]

    def connect(self) -> None:
        """Keep what the controls hold as they change: the browser does it alone. Pictures and votes keep themselves."""
        settings = self.making.settings.values
        for controls, state in (
            (settings, self.kept.settings),
            (self.exploring.blend.kept, self.kept.blend),
            (self.exploring.walk.kept, self.kept.walk),
        ):
            for control in controls:
                control.input(None, [self.model, *controls], state, js=KEEP)
        for event in self.making.sets_settings:
            event.then(None, [self.model, *settings], self.kept.settings, js=KEEP)

    def read(self, given: Sequence[Any]) -> tuple[Kept, Sequence[Any]]:
        """What came of `kept.all`, and the values behind it."""
        count = len(self.kept.all)
        return Kept(self, *given[:count]), given[count:]


class Kept:
    """What a browser kept, as it came: each of it is looked at when it is asked for."""

    def __init__(self, parts: Remembered, picks, batches, favourites, settings, blend, walk, votes: object):
        self.parts, self._picks, self._batches, self._votes = parts, picks, batches, votes
        self._favourites = favourites
        self._settings, self._blend, self._walk = settings, blend, walk
        self.library = parts.making.library

    @property
    def model(self) -> str | None:
        return model_kept(self._picks, self.library.names)

    def picks(self, shown_set: ShownSet) -> Picks:
        return picks_from(self._picks, shown_set)

    def made(self, studio: Studio) -> BatchHistory:
        return from_kept(self.library, self._batches, studio)

    def views(self, shown_set: ShownSet, made: BatchHistory) -> dict:
        """The controls, the votes, and the shown batch to be painted again where a part of it was kept."""
        making, exploring = self.parts.making, self.parts.exploring
        studio, blend, walk = shown_set.studio, exploring.blend, exploring.walk
        return {
            **making.settings.kept_views(settings_from(self._settings, studio)),
            making.arriving: Arrival.of_shown(made),
            **making.favourites.kept_views(self._favourites, studio),
            **blend.kept_views(shown_set, values_from(self._blend, len(blend.kept), studio.name)),
            **walk.kept_views(shown_set, values_from(self._walk, len(walk.kept), studio.name)),
            **self.parts.judging.own_views(OwnVotes.from_kept(self._votes)),
        }
