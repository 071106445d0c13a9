"""The Inception score's formula (Salimans et al. 2016) on a classifier of the data's own classes."""

from __future__ import annotations

import warnings

import torch
from torchmetrics.image.inception import InceptionScore

from pdm.metrics.given import ALONE, Given, repeatable


def classifier_score(scores: torch.Tensor, seed: int = 0, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation of exp(E KL(p(y | x) || p(y))) over random splits of class scores (N, C).

    From 1, where all images look alike to the classifier, to C, where it is sure of each and the classes are equally
    frequent. It sees no reference, so it is no distance. Raises ValueError for fewer than two splits, or than two rows
    a split.
    """
    if splits < 2 or scores.ndim != 2 or len(scores) < 2 * splits or not torch.isfinite(scores).all():
        raise ValueError(
            f"scores: expected at least {2 * max(splits, 2)} rows of finite numbers (N, C) and 2 splits, "
            f"got {tuple(scores.shape)} and {splits}"
        )
    with warnings.catch_warnings():  # that it keeps all scores, which are here anyway
        warnings.filterwarnings("ignore", "Metric `InceptionScore`", UserWarning)
        metric = InceptionScore(feature=Given(scores.shape[1]), splits=splits, **ALONE)
    metric.update(scores.double())
    with repeatable(seed):
        mean, spread = metric.compute()
    return mean.item(), spread.item()
