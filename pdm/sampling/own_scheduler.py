"""A model's own scheduler: at noise levels that suit its net, and which stays the model's own when it is named."""

from __future__ import annotations

import math
from typing import Any, cast

import torch

from pdm.sampling.solvers import SAMPLERS, Scheduler, make_scheduler
from pdm.support.checks import expect

HIGHEST = 82.0  # as the chain of the named samplers


def even_scheduler(lowest: float) -> Scheduler:
    """The sampler "dpm++2m" at noise levels evenly on a log scale, down to `lowest`.

    More of them lie where shapes are decided than by Karras's levels (2022), and fewer below, where guidance that acts
    above some level leaves them out. Raises ValueError for a level that is none of a picture's.
    """
    expect("lowest_level", lowest, "a noise level from 0.01 to 1", 0.01 <= lowest <= 1)
    beta = lowest**2 / (1 + lowest**2)  # at each step of the chain, of which the two ends alone are used
    steps = round(math.log1p(HIGHEST**2) / -math.log1p(-beta))
    kind, options = SAMPLERS["dpm++2m"]
    even = {**options, "use_karras_sigmas": False, "use_exponential_sigmas": True, "prediction_type": "epsilon"}
    return kind(num_train_timesteps=steps, beta_start=beta, beta_end=beta, beta_schedule="linear", **even)


def same_kind(one: Scheduler, other: Scheduler) -> bool:
    return type(one) is type(other) and one.config.get("solver_order") == other.config.get("solver_order")


def named_as(own: Scheduler, preconditioning: str) -> str:
    """The sampler that a model's own scheduler is one of, and where it is none of them, the net's usual one."""
    usual = "ddpm" if preconditioning == "vp" else "dpm++2m"
    return next((name for name in SAMPLERS if same_kind(own, make_scheduler(name, preconditioning))), usual)


def own_or_named(own: Scheduler, sampler: str | None, preconditioning: str) -> Scheduler:
    """A fresh scheduler: the named one, or, where none or one of its own kind is named, the model's `own`."""
    fresh = cast(Any, type(own)).from_config(own.config)
    if sampler is None:
        return fresh
    named = make_scheduler(sampler, preconditioning)
    return fresh if same_kind(fresh, named) else named


def noise_levels(own: Scheduler, steps: int, preconditioning: str) -> torch.Tensor:
    """The noise levels (steps + 1,) that a model's own scheduler comes down by, from the largest to 0.

    Those of "euler" where it has none, or more than one a step, as Heun's method has.
    """
    for scheduler in (own_or_named(own, None, preconditioning), make_scheduler("euler", preconditioning)):
        scheduler.set_timesteps(steps, device="cpu")
        sigmas = getattr(scheduler, "sigmas", ())
        if len(sigmas) == steps + 1:
            break
    return cast(torch.Tensor, sigmas)
