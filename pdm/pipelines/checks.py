"""Checks of what a pipeline is asked for, by a caller or a visitor: each names what was expected and what came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pdm.editing.prototype_set import PrototypeSet
from pdm.model.prototypes import PrototypeBank
from pdm.sampling.solvers import Interval
from pdm.support.checks import expect, is_number, is_whole, one_of, shown, whole

TILINGS = ("whole", "windows", "mosaic")  # how a canvas goes through the net
DEFAULT_TILING = "whole"
Generators = torch.Generator | Sequence[torch.Generator] | None


def check_generators(generator: Generators, num_images: int) -> list[torch.Generator]:
    """One generator per image. A single one for several, or torch's own where none is given, draws a seed for each.

    Torch's own is left as by any draw: whoever seeded it gets the same pictures again.
    """
    expect("num_images", num_images, "at least 1", num_images >= 1)
    if generator is None or (isinstance(generator, torch.Generator) and num_images > 1):
        device = "cpu" if generator is None else generator.device
        drawn = torch.randint(2**63 - 1, (num_images,), generator=generator, device=device)
        generator = [torch.Generator(device).manual_seed(seed) for seed in drawn.tolist()]
    generators = [generator] if isinstance(generator, torch.Generator) else list(generator)
    if len(generators) != num_images:
        raise ValueError(f"generator: expected one per image ({num_images}), got {len(generators)}")
    return generators


def check_guidance(guidance_scale: float) -> float:
    expect("guidance_scale", guidance_scale, "a finite number of at least 0", is_number(guidance_scale, 0))
    return guidance_scale


def check_student_guidance(student_guidance: float) -> float:
    right = is_number(student_guidance, 0) and student_guidance > 0
    expect("student_guidance", student_guidance, "a finite number above 0", right)
    return student_guidance


def check_level(guided_above: float) -> float:
    expect("guided_above", guided_above, "a finite noise level of at least 0", is_number(guided_above, 0))
    return guided_above


def check_tiling(tiling: str) -> str:
    one_of("tiling", tiling, TILINGS)
    return tiling


def check_sampling(num_inference_steps: int, guidance_scale: float, guidance_interval: Interval | None = None) -> None:
    whole("num_inference_steps", num_inference_steps, 1)
    check_guidance(guidance_scale)
    if guidance_interval is not None and not 0 <= guidance_interval[0] <= guidance_interval[1]:
        raise ValueError(
            f"guidance_interval: expected 0 <= low <= high in units of sigma, got {shown(guidance_interval)}"
        )


def check_fits(prototypes: PrototypeSet, bank: PrototypeBank) -> None:
    """Raise ValueError for a set of another width or geometry than the bank's: it was made with another model."""
    ours = (bank.vectors.shape[1], bool(bank.config.spherical))
    theirs = (prototypes.dim, prototypes.spherical)
    if theirs != ours:
        expected, got = (f"width {d}, {'on' if s else 'off'} the sphere" for d, s in (ours, theirs))
        raise ValueError(f"prototype_set: expected vectors as the model's ({expected}), got {got}")


def check_unmuted(prototypes: PrototypeSet, ids: Sequence[int], field: str = "prototypes") -> None:
    """Raise ValueError unless all ids are of the set and not muted."""
    for k in ids:
        if prototypes.get(k, field).muted:
            raise ValueError(f"{field}: expected ids that are not muted, got {k} ({prototypes.get(k).name})")


def check_prototypes(
    prototypes: int | Sequence[int], weights: Sequence[float] | None, count: int, field: str = "prototypes"
) -> tuple[list[int], list[float]]:
    """Valid ids and weights that sum to 1 (equal where none are given); raises ValueError naming the field."""
    ids = as_ids(prototypes)
    for k in ids:
        expect(field, k, f"whole numbers from 0 to {count - 1}", is_whole(k, 0, count - 1))
    return ids, mix_weights(ids, weights, field)


def as_ids(ids: Any) -> list[int]:
    """Ids as Python's whole numbers: one, a list, or an array or tensor of them; what else there is stays."""
    if isinstance(ids, np.ndarray | np.generic | torch.Tensor):
        ids = ids.tolist()
    if isinstance(ids, int | float | str):
        ids = [ids]
    found: list[Any] = [k.item() if isinstance(k, np.generic | torch.Tensor) else k for k in ids]
    return found


def one_condition(**given: object) -> None:
    """Raise ValueError where more than one of these says what is to be painted."""
    there = [name for name, value in given.items() if value is not None and value is not False]
    if len(there) > 1:
        raise ValueError(f"{there[0]}: expected one of {', '.join(given)}, got {' and '.join(there)}")


def mix_weights(ids: Sequence[int], weights: Sequence[float] | None, field: str = "prototypes") -> list[float]:
    """A weight for each of the ids of a mix, which sum to 1 (equal where none are given); raises ValueError."""
    if not ids or len(set(ids)) != len(ids):
        raise ValueError(f"{field}: expected at least one id and each only once, got {list(ids)}")
    try:
        values = [1.0] * len(ids) if weights is None else [float(w) for w in weights]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"weights: expected finite numbers, got {shown(weights)}") from error
    if len(values) != len(ids):
        raise ValueError(f"weights: expected {len(ids)}, one for each prototype, got {len(values)}")
    if not all(math.isfinite(w) and w >= 0 for w in values) or not 0 < sum(values) < math.inf:
        raise ValueError(f"weights: expected finite numbers of at least 0 that do not sum to 0, got {values}")
    total = sum(values)
    return [w / total for w in values]
