"""What a pipeline hands to a sampling: the condition that it found, and everything else before the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from pdm.model.conditioning import Condition
from pdm.sampling.beneath import Beneath
from pdm.sampling.solvers import Others, is_guided
from pdm.sampling.windows import Windows

Redraw = Callable[[int], Condition]  # the condition of a step, asked for once a step in order


@dataclass(frozen=True)
class Found:
    """What a picture is conditioned on: one condition or another one at every step, and how strongly it guides.

    `guidance_scale`: one number, or one an image (B,). `distances` (B, k): of the neighbours, if any were retrieved.
    `others`: conditions beside it, see `pdm.sampling.solvers.guided`; `reported`: what to say made the picture, where
    it is not the condition itself.
    """

    condition: Condition | Redraw
    guidance_scale: float | torch.Tensor
    distances: torch.Tensor | None = None
    others: Others = ()
    reported: Condition | None = None


@dataclass(frozen=True)
class Prepared:
    """What a sampling needs before its first step; `first` is that step's condition.

    `noise` (B, C, H, W) of unit variance, one generator an image; `find_ms`: how long finding the condition took;
    `windows`: what a large canvas is painted through, None for the net on the whole of it; `beneath`: the picture that
    it starts from or keeps, if any, as the net's numbers are, and `over` in pixels; `others`: conditions beside it.
    """

    generators: list[torch.Generator]
    noise: torch.Tensor
    condition: Condition | Redraw
    first: Condition
    guidance_scale: float | torch.Tensor
    distances: torch.Tensor | None
    find_ms: float
    windows: Windows | None = None
    beneath: Beneath | None = None
    others: Others = ()
    over: Beneath | None = None

    @property
    def branches(self) -> int:
        """Under how many conditions the net is asked for each picture at a step."""
        if self.others:
            return 2 + len(self.others)
        return 2 if is_guided(self.guidance_scale, self.first) else 1

    def calls(self, steps: int) -> int:
        """How many of so many steps are made: fewer where a picture is the start."""
        return steps if self.beneath is None else self.beneath.steps(steps)


def after_the_first(first: Condition, redraw: Redraw, step: int) -> Condition:
    """The first condition was drawn when the sampling was prepared: it is the one that is reported."""
    return redraw(step) if step else first
