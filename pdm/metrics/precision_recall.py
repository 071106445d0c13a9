"""Precision and recall of samples (Kynkäänniemi et al. 2019): are they plausible, and do they cover the data?"""

from __future__ import annotations

import torch

from pdm.metrics.distances import check_features
from pdm.metrics.neighbourhoods import inside

K = 3


def precision(features: torch.Tensor, reference: torch.Tensor, k: int = K) -> float:
    """The share of features (N, D) within the k-th neighbour's distance of some reference row (M, D); Eq. (1)-(2).

    Sets of one size compare best: the balls grow as their set shrinks. Raises ValueError for fewer than k + 1 rows.
    """
    check_features(features, reference, k + 1)
    return torch.cat([block.any(1) for block in inside(features, reference, k)]).double().mean().item()


def recall(features: torch.Tensor, reference: torch.Tensor, k: int = K) -> float:
    """The share of reference rows within the k-th neighbour's distance of some feature: precision, roles swapped."""
    return precision(reference, features, k)
