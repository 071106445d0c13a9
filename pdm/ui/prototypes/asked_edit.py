"""An edit that a control of the Prototypes tab asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gradio.components import Component

NEEDS_STAR = "Choose a prototype first: click a star or take one from the list."


@dataclass(frozen=True)
class AskedEdit:
    """When `trigger` happens, `operation` (one of `pdm.editing.edits`) is applied to the visitor's set.

    `arguments` makes the operation's arguments from the set as shown, the chosen prototype's id, and the values of the
    `inputs`; a ValueError it raises is shown to the visitor. `needs_star`: only with a prototype chosen.
    """

    trigger: Callable
    operation: str
    arguments: Callable[..., dict]
    inputs: Sequence[Component] = ()
    needs_star: bool = False
