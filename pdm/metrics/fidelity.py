"""Does a prototype get what it asked for: where do images generated from prototype k land among the prototypes?"""

from __future__ import annotations

import torch


def prototype_fidelity(features: torch.Tensor, vectors: torch.Tensor, ids: torch.Tensor, top: int = 1) -> float:
    """The share of images whose prototype is among the `top` nearest to their feature, by Euclidean distance.

    features (N, D) of generated images, vectors (K, D), ids (N,) the prototype each was generated from.
    """
    if not 1 <= top <= len(vectors):
        raise ValueError(f"top: expected from 1 to {len(vectors)}, got {top}")
    nearest = torch.cdist(features, vectors).topk(top, largest=False).indices  # (N, top)
    return (nearest == ids[:, None]).any(1).double().mean().item()
