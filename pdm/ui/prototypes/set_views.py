"""Everything on the Prototypes tab that shows the set, at once."""

from __future__ import annotations

import gradio as gr

from pdm.app.studio import Studio
from pdm.map.projection import kind_of
from pdm.ui.prototypes.blend_panel import BlendPanel
from pdm.ui.prototypes.find_panel import FindPanel
from pdm.ui.prototypes.history_panel import EditLogPanel
from pdm.ui.prototypes.inspector import Inspector
from pdm.ui.prototypes.real_panel import RealPanel
from pdm.ui.prototypes.refit_panel import RefitPanel
from pdm.ui.prototypes.visit import Visit
from pdm.ui.prototypes.walk_panel import WalkPanel
from pdm.ui.shared.session import VisitorSets

ABOUT = (
    "Every dot is a {kind}, placed by what the model's encoder sees in it; every star is a prototype. Click a "
    "star to inspect it and paint from it. *Drag* it, and the model paints what lies where you drop it: nothing is "
    "trained, and every edit can be undone."
)


class SetViews:
    """`about` is the text over the tab; the others are the parts that list prototypes, edits or the model's images."""

    def __init__(
        self,
        visit: Visit,
        about: gr.Markdown,
        *,
        real: RealPanel,
        find: FindPanel,
        inspector: Inspector,
        blend: BlendPanel,
        history: EditLogPanel,
        walk: WalkPanel,
        refit: RefitPanel,
    ):
        self.visit, self.about, self.real, self.find, self.inspector = visit, about, real, find, inspector
        self.blend, self.history, self.walk, self.refit = blend, history, walk, refit

    @property
    def outputs(self) -> list:
        """Everything that `of_set` and `of_model` set."""
        model = [self.about, *self.real.outputs, self.find.text, self.refit.back]
        lists = [*self.blend.outputs, *self.history.outputs, *self.walk.outputs]
        return [self.visit.sets, *model, *lists, *self.inspector.outputs]

    def of_set(self, studio: Studio, sets: VisitorSets, star: int | None = None, *, keep: bool = False) -> dict:
        """After an edit, an undo or a loaded file; `star` stays chosen if the set still has it.

        keep: what is chosen in the lists stays so; the set has all prototypes that it had.
        """
        shown_set = sets.shown_set(studio)
        return {
            self.visit.sets: sets,
            **self.inspector.set_views(shown_set, star),
            **self.blend.views(shown_set, keep=keep),
            **self.history.views(sets.history(studio)),
            **self.walk.views(shown_set, keep=keep),
        }

    def of_model(self, studio: Studio, sets: VisitorSets) -> dict:
        """For another model, with nothing searched for."""
        return {
            **self.of_set(studio, sets),
            **self.refit.layout_views(studio, sets),
            self.about: about(studio),
            **self.real.views(studio),
            self.find.text: "",
        }


def about(studio: Studio) -> str:
    """What the tab is, with what a dot is in this model's map."""
    return ABOUT.format(kind=kind_of(studio.map.generated, 1))
