"""How prototypes share out a data set: usage, perplexity, and agreement with class labels."""

from __future__ import annotations

import torch


def usage_shares(ids: torch.Tensor, count: int) -> torch.Tensor:
    """The share (K,) of assignments ids (N,) that each of K = `count` prototypes gets; sums to 1."""
    if len(ids) == 0:
        raise ValueError("ids: expected at least one assignment, got none")
    return torch.bincount(ids.flatten(), minlength=count).double() / ids.numel()


def prototypes_used(shares: torch.Tensor) -> int:
    """How many prototypes are nearest to any image at all."""
    return int((shares > 0).sum())


def perplexity(shares: torch.Tensor) -> float:
    """exp(entropy) of shares (K,): K when all are used alike, 1 when a single one takes everything."""
    p = shares[shares > 0].double()
    return (-(p * p.log()).sum()).exp().item()


def mutual_information(ids: torch.Tensor, labels: torch.Tensor) -> float | None:
    """Normalised mutual information of assignments (N,) and labels (N,) in [0, 1]; None where nothing is labelled."""
    from sklearn.metrics import normalized_mutual_info_score

    known = labels >= 0
    if not known.any():
        return None
    return float(normalized_mutual_info_score(labels[known].numpy(), ids[known].numpy()))
