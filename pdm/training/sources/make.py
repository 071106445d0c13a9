"""The source of conditions that a configuration asks for."""

from __future__ import annotations

import torch

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.training.sources.neighbours import NeighbourSource
from pdm.training.sources.nothing import NullSource
from pdm.training.sources.prototypes import PrototypeSource
from pdm.training.sources.source import Source


def make_source(config: TrainConfig, data: ImageData, device: torch.device) -> Source:
    """The source a configuration's method asks for; raises ValueError for a method that cannot be trained."""
    if config.method == "pdm":
        return PrototypeSource(config, data, device)
    if config.method == "rdm":
        return NeighbourSource(config, data, device)
    if config.method == "unconditional":
        return NullSource(config, data)
    raise ValueError(f"method: expected 'pdm', 'rdm' or 'unconditional', got {config.method!r}")
