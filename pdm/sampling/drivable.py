"""Which of diffusers' schedulers the loop here can drive: each was seen to lead to the right mean and spread."""

from __future__ import annotations

import inspect
from typing import Any

DRIVABLE = (
    "DDIMParallelScheduler",
    "DDIMScheduler",
    "DDPMParallelScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)


def check_drivable(scheduler: Any) -> None:
    """Raise ValueError, which names it, for a scheduler of another kind, or of one that predicts something else.

    Those of other kinds count their noise in another way, and would end in noise without a word.
    """
    names = [kind.__name__ for kind in type(scheduler).__mro__]
    if not any(name in DRIVABLE for name in names):
        raise ValueError(f"scheduler: expected one of {', '.join(DRIVABLE)}, got {names[0]}")
    predicts = scheduler.config.get("prediction_type", "epsilon")
    if predicts != "epsilon":
        raise ValueError(f"scheduler: expected prediction_type 'epsilon', got {predicts!r} in {names[0]}")


def takes_generators(scheduler: Any) -> bool:
    """Whether a step of it draws noise, or may."""
    return "generator" in inspect.signature(scheduler.step).parameters
