"""What every section of the benchmark measures: a model and its data, loaded when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from pdm.data.images import ImageData
from pdm.data.load import load
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.loading import load_pipeline, resolve
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.device import fastest_dtype

Numbers = dict[str, float | int | None]  # of a section, by key
BATCH = 16  # pictures painted at once
STEPS = 10


@dataclass(frozen=True)
class Bench:
    """What the sections measure, loaded when first asked for."""

    assets: Path
    data_set: str
    device: torch.device
    quick: bool
    minutes: float = 10.0  # of visits to the app

    @property
    def dtype(self) -> torch.dtype:
        return fastest_dtype(self.device)

    @cached_property
    def pdm(self) -> PDMPipeline:
        return load_pipeline(self.assets, "pdm", self.device, self.dtype)

    @cached_property
    def rdm(self) -> RDMPipeline:
        return load_pipeline(self.assets, "rdm", self.device, self.dtype)

    @property
    def trained_on(self) -> str | None:
        """The data set that the training card names."""
        return denoiser_card(resolve(self.assets, "pdm")).get("data_set")

    @property
    def images_seen(self) -> int | None:
        """How many images the training card says: numbers may be of an earlier state of the model."""
        return denoiser_card(resolve(self.assets, "pdm")).get("images_seen")

    @cached_property
    def train(self) -> ImageData:
        return self._data("train")

    @cached_property
    def test(self) -> ImageData:
        return self._data("test")

    def _data(self, split: str) -> ImageData:
        return load(self.data_set, split, self.pdm.image_size, 2000 if self.quick else None)

    def pick(self, full: int, quick: int) -> int:
        return quick if self.quick else full
