"""The cards of the experiments: a click picks, sets and paints."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.events import Dependency

from pdm.app.library import Library
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.support.checks import is_whole
from pdm.ui.components.picture_grid import PictureGrid
from pdm.ui.generate.asked import Arrival
from pdm.ui.generate.experiments import Experiment, cards, experiments
from pdm.ui.generate.xy_panel import XYPanel
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY
from pdm.ui.shared.session import Picks, VisitorSets
from pdm.ui.shared.wording import heading

ABOUT = "Each picks, sets and paints by itself."
GONE = "Your edits have taken out or muted a prototype of this experiment."
SEED = 1  # the same pictures for everybody

# To where it is painted: to the first of the two places that says so.
FOLLOW = """
async () => {
  for (let tries = 0; tries < 60; tries++) {
    const bar = document.querySelector('#xy-status i, #generate-status i');
    const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
    if (bar) return bar.closest('#xy, #generate-status').scrollIntoView({block: 'center', behavior});
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
"""


class ExperimentCards:
    """Laid out in the current column. `grid` has the cards."""

    def __init__(self, library: Library):
        self.library = library
        gr.HTML(heading("Experiments", ABOUT), elem_classes="section")
        self.grid = PictureGrid(cards(library.get()), elem_id="experiments")

    def connect(
        self,
        sets: gr.State,
        model: gr.Dropdown,
        panel: XYPanel,
        picked: Callable[[ShownSet, Picks], dict],
        arrived: Callable[[Arrival], dict],
        outputs: list,
    ) -> Dependency:
        """The event of a card. `picked` and `arrived` give the views of picks and of a batch: all of `outputs`."""

        def on_card(sets: VisitorSets, model: str, event: gr.EventData) -> dict:
            experiment, picks = self.asked(sets, model, event.id)
            views = picked(sets.shown_set(self.library.get(model)), picks)
            if experiment.sides:
                return views | panel.asked_views(model, picks, experiment.sides)
            return views | arrived(self.arrival(sets, model, picks))

        clicked = self.grid.pick(on_card, [sets, model], [*outputs, *panel.asked_outputs], **EVERY)
        clicked.success(None, None, None, js=FOLLOW)
        return clicked

    def model_views(self, studio: Studio) -> dict:
        return {self.grid: cards(studio)}

    def asked(self, sets: VisitorSets, model: str, place: object) -> tuple[Experiment, Picks]:
        """The experiment of a card and its picks. Raises gr.Error for a card that is not there or cannot be run."""
        studio = self.library.get(model)
        made = experiments(studio)
        if not is_whole(place, 0, len(made) - 1):
            raise gr.Error(f"experiment: expected 0 to {len(made) - 1}, got another", print_exception=False)
        assert isinstance(place, int)
        active = sets.shown_set(studio).prototypes.active
        if not set(made[place].prototypes) <= {*active}:
            raise gr.Error(GONE, print_exception=False)
        return made[place], Picks(made[place].prototypes, made[place].weights)

    def arrival(self, sets: VisitorSets, model: str, picks: Picks) -> Arrival:
        """A batch of a mix, to be painted without another click."""
        studio = self.library.get(model)
        request = Request(prototypes=picks.ids, weights=picks.weights, seed=SEED, prototype_set=sets.now(studio))
        return Arrival(model, or_gr_error(resolved, studio, request))
