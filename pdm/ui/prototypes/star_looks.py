"""What a star paints, before anybody asks: in the strip when it is clicked, on the card over the map when hovered."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from gradio.events import Dependency

from pdm.data.tiles import tiled
from pdm.ui.components.picture_grid import data_url
from pdm.ui.guard.turns import gated
from pdm.ui.prototypes.painting import Painting
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, QUICK
from pdm.ui.shared.session import VisitorSets

ACROSS = 4  # pictures in a row of the card


class StarLooks:
    """`chosen` are the events that choose a star."""

    def __init__(self, visit: Visit, star_map: StarMap, painting: Painting, chosen: Sequence[Dependency]):
        self.visit, self.star_map, self.painting = visit, star_map, painting
        nothing = lambda *args: gr.skip()  # noqa: E731
        shown, here = painting.sketched, [*visit.inputs, star_map.chosen]
        click = gated(self.on_chosen, painting.sketch_price, newer="replaces", instead=nothing)
        for event in chosen:
            event.success(click, here, shown, **LATEST)
        hover = gated(self.on_peek, painting.sketch_price, newer="refused", instead=nothing)
        # Each by itself: where only the last one is to matter, Gradio asks for the first once more.
        star_map.view.peek(hover, visit.inputs, star_map.view, trigger_mode="multiple", **QUICK)

    def on_chosen(self, sets: VisitorSets, model: str, star: int | None) -> dict:
        """The pictures of the star that was clicked."""
        shown_set = self.visit.shown_set(sets, model)
        if star not in shown_set.prototypes.active:
            return gr.skip()
        return self.painting.at_a_click(shown_set, star)

    def on_peek(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        """The pictures of the star under the pointer."""
        shown_set = self.visit.shown_set(sets, model)
        star = or_gr_error(shown_set.check, [event.id])[0]
        if star not in shown_set.prototypes.active:
            return gr.skip()
        images = self.painting.sketch_of(shown_set, star)
        return {self.star_map.view: gr.update(look={"id": star, "sheet": data_url(tiled(images, ACROSS))})}
