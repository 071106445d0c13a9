"""The source of conditions that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.support.checks import shown
from pdm.training.sources.neighbours import NeighbourSource
from pdm.training.sources.nothing import NullSource
from pdm.training.sources.prototypes import PrototypeSource
from pdm.training.sources.source import Source

# The methods that a net is trained with; other methods paint with a net of one of these.
SOURCES: dict[str, Callable[[TrainConfig, ImageData, torch.device], Source]] = {
    "pdm": PrototypeSource,
    "rdm": NeighbourSource,
    "unconditional": NullSource,
}


def make_source(config: TrainConfig, data: ImageData, device: torch.device) -> Source:
    """The source for a configuration's method; raises ValueError for a method that no net is trained with."""
    if config.method not in SOURCES:
        raise ValueError(f"method: expected 'pdm', 'rdm' or 'unconditional', got {shown(config.method)}")
    return SOURCES[config.method](config, data, device)
