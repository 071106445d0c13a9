"""Frechet distance between two sets of features, each taken as a Gaussian (Heusel et al. 2017, Eq. 6)."""

from __future__ import annotations

import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from pdm.metrics.given import ALONE, Given


def frechet_distance(features: torch.Tensor, reference: torch.Tensor) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of features (N, D) and (M, D), in their units squared.

    0 for equal sets; depends on N and on M. Raises ValueError for less than 2 rows, NaN, or features of two nets.
    """
    for x in (features, reference):
        if x.ndim != 2 or len(x) < 2 or not torch.isfinite(x).all():
            raise ValueError(f"features: expected at least 2 rows of finite numbers (N, D), got {tuple(x.shape)}")
    dim = reference.shape[1]
    if features.shape[1] != dim:
        raise ValueError(f"features: expected the reference's {dim} columns, got {features.shape[1]}")
    metric = FrechetInceptionDistance(feature=Given(dim), **ALONE)
    metric.update(reference.double(), real=True)
    metric.update(features.double(), real=False)
    return max(metric.compute().item(), 0.0)  # rounding can leave -1e-12
