"""Are samples copies: are they closer to a training image than unseen real images are?"""

from __future__ import annotations

import torch

from pdm.metrics.distances import ENTRIES, check_features, distance_blocks

PERCENTILE = 1.0


def nearest_distances(features: torch.Tensor, bank: torch.Tensor, entries: int = ENTRIES) -> torch.Tensor:
    """The Euclidean distance (N,) of each feature (N, D) to its nearest row of a bank (M, D)."""
    check_features(features, bank, 1)
    return torch.cat([block.amin(1) for block in distance_blocks(features, bank, entries)])


def copy_threshold(train: torch.Tensor, test: torch.Tensor, percentile: float = PERCENTILE) -> float:
    """The distance to the nearest training feature (N, D) that all but `percentile` % of test ones (M, D) exceed."""
    if not 0 < percentile < 100:
        raise ValueError(f"percentile: expected between 0 and 100, got {percentile}")
    return torch.quantile(nearest_distances(test, train), percentile / 100).item()


def share_nearer(samples: torch.Tensor, train: torch.Tensor, threshold: float) -> float:
    """The share of samples (N, D) nearer to a training feature (M, D) than the threshold."""
    return (nearest_distances(samples, train) < threshold).double().mean().item()


def memorised_share(
    samples: torch.Tensor, train: torch.Tensor, test: torch.Tensor, percentile: float = PERCENTILE
) -> float:
    """The share of samples nearer to the training set than all but `percentile` % of the test images are.

    All are features (N, D) of one net. A method that copies nothing gets about `percentile` / 100.
    """
    return share_nearer(samples, train, copy_threshold(train, test, percentile))
