"""The Inception score's formula (Salimans et al. 2016) on a classifier of the data's own classes."""

from __future__ import annotations

import math

import torch


def classifier_score(scores: torch.Tensor, generator: torch.Generator, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation of exp(E KL(p(y | x) || p(y))) over random splits of class scores (N, C).

    From 1, where all images look alike to the classifier, to C, where it is sure of each and the classes are equally
    frequent. It sees no reference, so it is no distance. Raises ValueError for fewer than two rows a split.
    """
    if scores.ndim != 2 or len(scores) < 2 * splits or splits < 1 or not torch.isfinite(scores).all():
        raise ValueError(
            f"scores: expected at least {2 * max(splits, 1)} rows of finite numbers (N, C) for {splits} splits, "
            f"got {tuple(scores.shape)}"
        )
    values = []
    for part in scores.double()[torch.randperm(len(scores), generator=generator)].chunk(splits):
        log_p = part.log_softmax(1)
        log_marginal = log_p.logsumexp(0) - math.log(len(part))
        values.append((log_p.exp() * (log_p - log_marginal)).sum(1).mean().exp())
    spread = torch.stack(values)
    return spread.mean().item(), spread.std(correction=0).item()
