"""The way back: the noise that a picture comes from, by the sampler's equation solved backwards.

The probability-flow ODE has one path through each picture (Song et al. 2021), so that painting from the noise at its
end gives the picture back under the same condition, and under another one a picture of the same composition
(CycleDiffusion, Wu & De la Torre 2023). Heun's method of the second order, which asks twice a step, stays close enough
to the path for any of the deterministic samplers; with Euler's, backwards, details are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pdm.model.conditioning import Condition
from pdm.sampling.beneath import Beneath
from pdm.sampling.solvers import ALWAYS, Asking, Interval, Others, Sampling, Step, denoised_at
from pdm.sampling.windows import Windows

INVERSE = "inverse"  # the name of this beside the samplers, all of which it undoes


@torch.no_grad()
def inverting(
    sigmas: torch.Tensor,
    beneath: Beneath,
    condition: Condition | Callable[[int], Condition],
    *,
    steps: int,
    guidance_scale: float | torch.Tensor = 1.0,
    guidance_interval: Interval = ALWAYS,
    others: Others = (),
    windows: Windows | None = None,
    clip: bool = False,
    **unused: Any,
) -> Sampling:
    """From a picture to its noise, up to the level where its strength starts; the last step's `denoised` is the noise.

    `sigmas`: the levels of a sampler of so many `steps`, from the largest to 0; the picture is taken to lie at the
    smallest, which no eye sees.
    """
    x = beneath.picture
    levels = sigmas[steps - beneath.steps(steps) : steps].flip(0).to(x.device, x.dtype)  # from the smallest
    if beneath.starts_late:
        levels[-1] = beneath.first
    last = max(1, len(levels) - 1)
    beside = {"windows": windows, "others": others, "own_null": beneath.starts_late}  # as on the way down

    def slope(x: torch.Tensor, sigma: torch.Tensor, step: int) -> Asking:
        clean = yield from denoised_at(x, sigma, condition, step, guidance_scale, guidance_interval, **beside)
        return (x - (clean.clamp(-1, 1) if clip else clean)) / sigma  # Eq. (3), Karras et al. 2022

    for i in range(len(levels) - 1):
        low, high = levels[i], levels[i + 1]
        here = yield from slope(x, low, i)
        there = yield from slope(x + (high - low) * here, high, i)
        x = x + (high - low) * (here + there) / 2
        if i + 1 < last:
            yield Step(i, last, x)
    yield Step(last - 1, last, (x - beneath.shown) / levels[-1])
