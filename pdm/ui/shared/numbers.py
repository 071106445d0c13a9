"""Numbers as the page's controls give them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pdm.sampling.student import STUDENT, TUNED_STEPS
from pdm.support.checks import is_whole


def as_whole(value: Any) -> Any:
    """A slider's 8.0 as 8; anything else as it is, for the checks to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tuned_steps(sampler: object, steps: Any) -> Any:
    """The steps, or where the student cannot paint in as many, the next that it can, of which the visitor is told."""
    if sampler != STUDENT or not is_whole(steps, 1) or steps in TUNED_STEPS:
        return steps
    nearest = next((n for n in TUNED_STEPS if n > steps), TUNED_STEPS[-1])
    gr.Info(f"The student paints in 1, 2 or 4 steps: {nearest} instead of {steps}.")
    return nearest
