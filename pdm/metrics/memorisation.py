"""Are samples copies: are they closer to a training image than unseen real images are?"""

from __future__ import annotations

import torch


def nearest_distances(features: torch.Tensor, bank: torch.Tensor, chunk: int = 500) -> torch.Tensor:
    """The Euclidean distance (N,) of each feature (N, D) to its nearest row of a bank (M, D).

    In float64: |a|^2 + |b|^2 - 2 a.b loses the distance of a copy in float32.
    """
    bank = bank.double()
    return torch.cat([torch.cdist(part.double(), bank).amin(1).float() for part in features.split(chunk)])


def memorised_share(samples: torch.Tensor, train: torch.Tensor, test: torch.Tensor, percentile: float = 1.0) -> float:
    """The share of samples nearer to the training set than all but `percentile` % of the test images are.

    All are features (N, D) of one net. A method that copies nothing gets about `percentile` / 100.
    """
    if not 0 < percentile < 100:
        raise ValueError(f"percentile: expected between 0 and 100, got {percentile}")
    threshold = torch.quantile(nearest_distances(test, train).double(), percentile / 100)
    return (nearest_distances(samples, train).double() < threshold).double().mean().item()
