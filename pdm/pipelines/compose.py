"""AND and NOT of prototypes, as products and quotients of what the net expects of each (Liu et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from pdm.model.conditioning import Condition
from pdm.pipelines.prepared import Found
from pdm.support.checks import expect, is_number

MOST = 8  # predictions beside the null one
Alone = Callable[[int], tuple[Condition, "float | torch.Tensor"]]  # a prototype -> its condition, how far it guides


def conjunction(found: Found, alone: Alone, ids: Sequence[int], weights: Sequence[float]) -> Found:
    """All of the prototypes at once, D_null + sum g_k (D_k - D_null), where attention would mix them.

    `weights` sum to 1; equal ones give each prototype the guidance scale that it has alone, so that one is itself.
    """
    expect("prototypes", len(ids), f"at most {MOST} for a product", len(ids) <= MOST)
    parts = [(alone(k), len(ids) * w) for k, w in zip(ids, weights, strict=True) if w]
    (condition, scale), *others = [(c, w * g) for (c, g), w in parts]
    assert isinstance(found.condition, Condition)
    return replace(found, condition=condition, guidance_scale=scale, others=others, reported=found.condition)


def without(found: Found, alone: Alone, negative: Sequence[int], weights: Sequence[float] | None) -> Found:
    """What was found and none of the negative prototypes: each takes w g (D_k - D_null) away.

    `weights`: 1 each where none are given; those of weight 0 are left out. Raises ValueError for weights out of range,
    and, with the field's name, what `alone` does.
    """
    ids = list(negative)
    if not ids and weights is None:
        return found
    weights = [1.0] * len(ids) if weights is None else list(weights)
    expect("negative", ids, f"at most {MOST} ids, each once", len(ids) <= MOST and all(ids.count(k) == 1 for k in ids))
    expect("negative_weights", len(weights), f"{len(ids)}, one for each", len(weights) == len(ids))
    for weight in weights:
        expect("negative_weights", weight, "numbers from 0 to 10", is_number(weight, 0, 10))
    try:
        parts = [(alone(k), w) for k, w in zip(ids, weights, strict=True)]
    except ValueError as error:
        raise ValueError(f"negative: {error}") from error
    return replace(found, others=[*found.others, *((c, -w * g) for (c, g), w in parts if w)])
