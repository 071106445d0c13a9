"""Kernel distance: unbiased squared MMD with a cubic kernel (Binkowski et al. 2018), fit for small samples."""

from __future__ import annotations

import torch


def polynomial_kernel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(x . y / D + 1)^3 for rows of x (N, D) and y (M, D): (N, M)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def squared_mmd(x: torch.Tensor, y: torch.Tensor) -> float:
    """The unbiased estimate (Gretton et al. 2012, Eq. 3) for x (N, D), y (M, D); it can be below 0."""
    k_xx, k_yy, k_xy = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    n, m = len(x), len(y)
    within = (k_xx.sum() - k_xx.trace()) / (n * (n - 1)) + (k_yy.sum() - k_yy.trace()) / (m * (m - 1))
    return (within - 2 * k_xy.mean()).item()


def kernel_distance(
    features: torch.Tensor,
    reference: torch.Tensor,
    generator: torch.Generator,
    *,
    subsets: int = 50,
    subset_size: int = 1000,
) -> tuple[float, float]:
    """Mean and standard deviation of the squared MMD over random subsets of features (N, D) and reference (M, D).

    A subset is never larger than the smaller set. Raises ValueError for fewer than 2 rows.
    """
    size = min(subset_size, len(features), len(reference))
    if size < 2 or subsets < 1:
        raise ValueError(f"features: expected at least 2 rows and 1 subset, got {size} rows and {subsets} subsets")
    x, y = features.double(), reference.double()
    values = []
    for _ in range(subsets):
        rows, others = (torch.randperm(len(s), generator=generator)[:size] for s in (x, y))
        values.append(squared_mmd(x[rows], y[others]))
    spread = torch.tensor(values, dtype=torch.float64)
    return spread.mean().item(), spread.std(correction=0).item()
