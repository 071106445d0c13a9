"""Wrong input as a message that the visitor sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gradio as gr

T = TypeVar("T")


def or_gr_error(check: Callable[..., T], *values: object) -> T:
    """`check(*values)`; a ValueError or OSError that it raises becomes a gr.Error with the same text."""
    try:
        return check(*values)
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), print_exception=False) from error
