"""A run whose numbers are none any more is stopped before it writes them down."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch


class NotFinite(ValueError):
    """Training turned to NaN or infinity."""


class Watch:
    """Notes the first step at which a number was none, on the device: reading it at every step would wait for that."""

    def __init__(self, device: torch.device):
        self._bad = torch.full((), -1, dtype=torch.long, device=device)

    def see(self, step: int, *values: torch.Tensor) -> None:
        """The values of a step, each a number."""
        fine = torch.stack([torch.isfinite(v.detach().float()).all().to(self._bad.device) for v in values]).all()
        self._bad = torch.where((self._bad < 0) & ~fine, step, self._bad)

    def first(self) -> int | None:
        """The first step that was not fine; waits for the device."""
        step = int(self._bad)
        return None if step < 0 else step


def all_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether weights are numbers."""
    return all(bool(torch.isfinite(t).all()) for t in tensors)


def check_loss(what: str, step: int, loss: float) -> None:
    """Raise `NotFinite` for the loss of something that learns in a few minutes and keeps no checkpoints."""
    if not math.isfinite(loss):
        raise NotFinite(f"{what}, step {step}: expected a loss that is a number, got {loss}; lower its learning rate")
