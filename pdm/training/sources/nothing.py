"""No condition at all: what the unconditional baseline is trained with."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.model.conditioning import Condition, null_condition
from pdm.model.denoiser import Denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.base import ConditionedPipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import Scheduler
from pdm.training.sources.source import Pause, Precision, Report, never


class NullSource:
    """The null condition for every image; its pipeline holds a bank of prototypes that nothing was learned in."""

    prepared = True

    def __init__(self, config: TrainConfig, data: ImageData, device: torch.device):
        self.config, self.data, self.token_dim = config, data, config.prototypes.dim

    def prepare(self, report: Report, autocast: Precision = nullcontext, pause: Pause = never) -> None:
        """Nothing to learn."""

    def take_over(self, pipeline: ConditionedPipeline, report: Report) -> None:
        """Nothing to take over."""

    def condition(
        self, x: torch.Tensor, rows: torch.Tensor, progress: float, generator: torch.Generator
    ) -> tuple[Condition, None]:
        return null_condition(len(x), self.token_dim).to(x.device), None

    def step(self, progress: float, generator: torch.Generator) -> None:
        """Nothing to update."""

    def parameters(self) -> tuple[torch.nn.Parameter, ...]:
        return ()

    def summary(self, images: int) -> None:
        """Nothing to say."""

    def used(self) -> tuple[int, int] | None:
        """There are no prototypes."""

    def pipeline(
        self, denoiser: Denoiser, scheduler: Scheduler, guidance: float, preview_images: int | None = None
    ) -> PDMPipeline:
        channels = self.data.images.shape[1]
        with torch.random.fork_rng(devices=[]):  # the same bits, however often the run was stopped
            torch.manual_seed(self.config.seed)
            empty = PrototypeBank(channels=channels, image_size=self.config.seen_size, dim=self.token_dim, width=8)
        return PDMPipeline(denoiser, empty, scheduler, guidance_scale=guidance)

    def halve(self, pipeline: ConditionedPipeline) -> None:
        pipeline.bank.encoder.half()

    def save_extra(self, folder: Path) -> None:
        """Nothing to write."""

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state: dict) -> None:
        """Nothing to restore."""
