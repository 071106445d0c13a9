"""Density and coverage of samples (Naeem et al. 2020): precision and recall that outliers disturb less."""

from __future__ import annotations

import torch

from pdm.metrics.distances import check_features
from pdm.metrics.neighbourhoods import inside

K = 5


def density_and_coverage(features: torch.Tensor, reference: torch.Tensor, k: int = K) -> tuple[float, float]:
    """How densely features (N, D) lie in the k-neighbour balls of the reference (M, D), and how many balls hold any.

    Density is the mean number of balls a feature is in, over k: about 1 for the reference's own distribution, and it
    can be above. Coverage is the share of balls with a feature in them: for two sets of one size and distribution about
    1 - 2^-k. Raises ValueError for fewer than k + 1 rows.
    """
    check_features(features, reference, k + 1)
    pairs, covered = 0, torch.zeros(len(reference), dtype=torch.bool)
    for block in inside(features, reference, k):
        pairs += int(block.sum())
        covered |= block.any(0)
    return pairs / (k * len(features)), covered.double().mean().item()
