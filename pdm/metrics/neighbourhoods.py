"""Balls around features that reach to the k-th neighbour: where a set is dense enough to be called its support."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from pdm.metrics.distances import distance_blocks

SLACK = 1 + 1e-9  # a point on a ball's surface is in it, however its distance was rounded


def radii(x: torch.Tensor, k: int) -> torch.Tensor:
    """The distance (N,) of each row of x (N, D) to its k-th nearest other row."""
    return torch.cat([block.topk(k + 1, largest=False).values[:, -1] for block in distance_blocks(x, x)])


def inside(points: torch.Tensor, centres: torch.Tensor, k: int) -> Iterator[torch.Tensor]:
    """For some points (N, D) at a time, whether each is in each centre's ball (n, M)."""
    reach = radii(centres, k) * SLACK
    for block in distance_blocks(points, centres):
        yield block <= reach
