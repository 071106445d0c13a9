"""Frechet distance between two sets of features, each taken as a Gaussian (Heusel et al. 2017, Eq. 6)."""

from __future__ import annotations

import torch


def statistics(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (D,) and unbiased covariance (D, D) of features (N, D), in float64; raises ValueError for N < 2 or NaN."""
    if features.ndim != 2 or len(features) < 2 or not torch.isfinite(features).all():
        raise ValueError(f"features: expected at least 2 rows of finite numbers (N, D), got {tuple(features.shape)}")
    x = features.double()
    mean = x.mean(0)
    centred = x - mean
    return mean, centred.T @ centred / (len(x) - 1)


def frechet_distance(features: torch.Tensor, reference: torch.Tensor) -> float:
    """The distance between two sets of features (N, D) and (M, D); 0 for equal sets. Depends on N and on M."""
    if features.shape[1:] != reference.shape[1:]:
        raise ValueError(f"features: expected the reference's {reference.shape[1]} columns, got {features.shape[1]}")
    return frechet_from_statistics(*statistics(features), *statistics(reference))


def frechet_from_statistics(mean1: torch.Tensor, cov1: torch.Tensor, mean2: torch.Tensor, cov2: torch.Tensor) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two Gaussians, in the features' units squared.

    tr (S1 S2)^(1/2) is the sum of the square roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric:
    no root of a general matrix is needed, and rank-deficient covariances do no harm.
    """
    values, vectors = torch.linalg.eigh(cov1)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T  # S1^(1/2), (D, D)
    trace = torch.linalg.eigvalsh(root @ cov2 @ root).clamp(min=0).sqrt().sum()
    distance = (mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * trace
    return max(distance.item(), 0.0)  # rounding can leave -1e-12
