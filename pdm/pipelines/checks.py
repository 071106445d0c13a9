"""Checks of what a pipeline is asked for; a ValueError names the field, what was expected and what came."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from pdm.support.checks import expect, is_number

Generators = torch.Generator | Sequence[torch.Generator] | None


def check_generators(generator: Generators, num_images: int) -> list[torch.Generator]:
    """One generator per image; a single one is only right for a single image, None draws fresh seeds."""
    if num_images < 1:
        raise ValueError(f"num_images: expected at least 1, got {num_images}")
    if generator is None:
        generator = [torch.Generator().manual_seed(torch.seed() % 2**63) for _ in range(num_images)]
    generators = [generator] if isinstance(generator, torch.Generator) else list(generator)
    if len(generators) != num_images:
        raise ValueError(f"generator: expected one per image ({num_images}), got {len(generators)}")
    return generators


def check_guidance(guidance_scale: float) -> float:
    expect("guidance_scale", guidance_scale, "a finite number of at least 0", is_number(guidance_scale, 0))
    return guidance_scale


def check_sampling(num_inference_steps: int, guidance_scale: float, guidance_interval: tuple[float, float]) -> None:
    if not (isinstance(num_inference_steps, int) and num_inference_steps >= 1):
        raise ValueError(f"num_inference_steps: expected a whole number of at least 1, got {num_inference_steps!r}")
    check_guidance(guidance_scale)
    low, high = guidance_interval
    if not 0 <= low <= high:
        raise ValueError(f"guidance_interval: expected 0 <= low <= high in units of sigma, got {guidance_interval!r}")


def check_prototypes(
    prototypes: Sequence[int], weights: Sequence[float] | None, count: int, field: str = "prototypes"
) -> tuple[list[int], list[float]]:
    """Valid ids and weights that sum to 1 (equal where none are given); raises ValueError naming the field."""
    ids = list(prototypes)
    for k in ids:
        if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < count:
            raise ValueError(f"{field}: expected whole numbers from 0 to {count - 1}, got {k!r}")
    return ids, mix_weights(ids, weights, field)


def mix_weights(ids: Sequence[int], weights: Sequence[float] | None, field: str = "prototypes") -> list[float]:
    """A weight for each of the ids of a mix, which sum to 1 (equal where none are given); raises ValueError."""
    if not ids or len(set(ids)) != len(ids):
        raise ValueError(f"{field}: expected at least one id and each only once, got {list(ids)}")
    try:
        values = [1.0] * len(ids) if weights is None else [float(w) for w in weights]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"weights: expected finite numbers, got {weights!r}") from error
    if len(values) != len(ids):
        raise ValueError(f"weights: expected {len(ids)}, one for each prototype, got {len(values)}")
    if not all(math.isfinite(w) and w >= 0 for w in values) or not 0 < sum(values) < math.inf:
        raise ValueError(f"weights: expected finite numbers of at least 0 that do not sum to 0, got {values}")
    total = sum(values)
    return [w / total for w in values]
