"""The map of the Prototypes tab, and what is picked out on it."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.components.map_view import MapView, map_base, map_state
from pdm.ui.shared.events import SESSION_SECONDS


class StarMap:
    """`view` is the map, `chosen` the id of the prototype that is picked out on it, `region` the images that are."""

    def __init__(self, studio: Studio):
        self.chosen = gr.State(None, time_to_live=SESSION_SECONDS)
        self.region = gr.State((), time_to_live=SESSION_SECONDS)
        state, base = map_state(studio.shown_set()), map_base(studio)
        self.view = MapView(state, base=base, found=[], look=None, tour=None, elem_id="map")

    @property
    def outputs(self) -> list:
        """Everything that `picked` sets."""
        return [self.chosen, self.region, self.view]

    def picked(
        self,
        shown_set: ShownSet,
        star: int | None = None,
        images: Sequence[int] = (),
        query: tuple[float, float] | None = None,
    ) -> dict:
        """A set on the map with one prototype, some images or the place of an uploaded picture picked out."""
        state = map_state(shown_set, star=star, images=list(images), query=query)
        return {self.chosen: star, self.region: tuple(images), self.view: state}
