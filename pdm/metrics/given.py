"""What lets torchmetrics' metrics of images take features that are there already, and repeat their random choices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

ALONE: dict[str, Any] = {
    "sync_on_compute": False
}  # one process measures the features of all; the others do not take part


class Given(nn.Module):
    """In place of a feature net: its "images" are features (N, D) and pass through."""

    def __init__(self, dim: int):
        super().__init__()
        self.num_features = dim

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """torchmetrics draws from torch's own randomness on the CPU: inside, that is seeded, and afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed GPUs too, and leave them so
        yield
