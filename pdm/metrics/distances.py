"""Euclidean distances between two large sets of features, block by block: 10,000 x 60,000 never stand in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch

ENTRIES = 4_000_000  # distances in one block: 32 MB


def check_features(features: torch.Tensor, reference: torch.Tensor, rows: int) -> None:
    """Raise ValueError unless both are (N, D) of one D, finite, and of at least so many rows."""
    for name, x in (("features", features), ("reference", reference)):
        if x.ndim != 2 or len(x) < rows or not torch.isfinite(x).all():
            raise ValueError(f"{name}: expected at least {rows} rows of finite numbers (N, D), got {tuple(x.shape)}")
    if features.shape[1] != reference.shape[1]:
        raise ValueError(f"features: expected the reference's {reference.shape[1]} columns, got {features.shape[1]}")


def distance_blocks(x: torch.Tensor, y: torch.Tensor, entries: int = ENTRIES) -> Iterator[torch.Tensor]:
    """Distances (n, M) of some consecutive rows of x (N, D) at a time to all rows of y (M, D).

    In float64: |a|^2 + |b|^2 - 2 a.b loses the distance of a copy in float32.
    """
    y = y.double()
    for part in x.split(max(1, entries // max(1, len(y)))):
        yield torch.cdist(part.double(), y)
