"""What every part of the Prototypes tab needs to know about the visit."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from pdm.app.library import Library
from pdm.app.shown_set import ShownSet
from pdm.ui.shared.session import VisitorSets


@dataclass(frozen=True)
class Visit:
    """The models, and the two components that say which set is meant: the visitor's sets and the chosen model."""

    library: Library
    sets: gr.State
    model: gr.Dropdown

    @property
    def inputs(self) -> list:
        """What every handler takes first: the visitor's sets and the model's name."""
        return [self.sets, self.model]

    def shown_set(self, sets: VisitorSets, model: str) -> ShownSet:
        """The visitor's set of a model, as the page shows it."""
        return sets.shown_set(self.library.get(model))


def relisted(listed: list, none: object, keep: bool) -> dict:
    """An update of a list: what is chosen from it stays so (`keep`), or becomes `none`."""
    return gr.update(choices=listed) if keep else gr.update(choices=listed, value=none)


def choices(shown_set: ShownSet) -> list[tuple[str, int]]:
    """The prototypes of a set as a list to choose from: names and ids."""
    return [(shown_set.names[k], k) for k in shown_set.order]
