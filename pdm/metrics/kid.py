"""Kernel distance: unbiased squared MMD with a cubic kernel (Binkowski et al. 2018), fit for small samples."""

from __future__ import annotations

import warnings

import torch
from torchmetrics.image.kid import KernelInceptionDistance

from pdm.metrics.given import ALONE, Given, repeatable


def kernel_distance(
    features: torch.Tensor, reference: torch.Tensor, seed: int = 0, *, subsets: int = 50, subset_size: int = 1000
) -> tuple[float, float]:
    """Mean and standard deviation over random subsets of features (N, D) and reference (M, D); it can be below 0.

    A subset is never larger than the smaller set. Raises ValueError for fewer than 2 rows.
    """
    size = min(subset_size, len(features), len(reference))
    if size < 2 or subsets < 1:
        raise ValueError(f"features: expected at least 2 rows and 1 subset, got {size} rows and {subsets} subsets")
    with warnings.catch_warnings():  # that it keeps all features, which are here anyway
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance`", UserWarning)
        metric = KernelInceptionDistance(feature=Given(reference.shape[1]), subsets=subsets, subset_size=size, **ALONE)
    metric.update(reference.double(), real=True)
    metric.update(features.double(), real=False)
    with repeatable(seed):
        mean, spread = metric.compute()
    return mean.item(), spread.item()
