"""What a visitor sees of a painting on its way: pictures as they are, or decoded as often as that costs little."""

from __future__ import annotations

import time

import torch

from pdm.app.studio import Studio
from pdm.pipelines.base import ConditionedPipeline, Prepared
from pdm.sampling.solvers import Step

PATIENCE = 3.0  # times as long as the last preview took, from one to the next: at most a quarter of the time is theirs


class Shown:
    """The pictures of one sampling, step by step. Decoding is work on a net, and is done in the place of a call of one.

    Where the net paints pixels, each step's are shown.
    """

    def __init__(self, studio: Studio, pipeline: ConditionedPipeline, ready: Prepared):
        self.studio, self.pipeline, self.ready = studio, pipeline, ready
        self._seen: torch.Tensor | None = None
        self._next = 0.0  # when there may be another preview

    def last(self, step: Step) -> torch.Tensor:
        """The finished pictures, uint8 (B, C, H, W)."""
        return self._decoded(step, glimpse=False)

    def on_the_way(self, step: Step) -> torch.Tensor:
        """Those of a step before, or of an earlier one."""
        started = time.perf_counter()
        if self._seen is None or started >= self._next:
            self._seen = self._decoded(step, glimpse=True)
            ended = time.perf_counter()
            self._next = ended + PATIENCE * (ended - started) if self.pipeline.space else 0.0
        return self._seen

    def _decoded(self, step: Step, *, glimpse: bool) -> torch.Tensor:
        if self.pipeline.space is None:
            return self.pipeline.pictures(step.denoised, self.ready)
        return self.studio.together.do(lambda: self.pipeline.pictures(step.denoised, self.ready, glimpse=glimpse))
