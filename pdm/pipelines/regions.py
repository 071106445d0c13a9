"""Regions of a canvas and what stands for each: masks with soft edges, prototypes or mixes, and a ground beneath."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pdm.model.conditioning import Condition, blended
from pdm.support.checks import expect, one_of, shown

Mix = int | Sequence[int]  # one id, or several
Weights = Sequence[float] | None  # of a mix, None for equal ones
Ground = str | tuple[Sequence[int], Weights]  # one of `GROUNDS`, or a mix
GROUNDS = ("table", "null")
FAINT = 1 / 512  # of a place, half a grey value of a mask: no ground is left there
MOST = 64  # regions of one canvas


@dataclass(frozen=True)
class Regions:
    """What is painted where: `masks` (M, H, W) in [0, 1], and a prototype's id or a mix of ids for each of them.

    Where masks sum to more than 1 they share the place, where they sum to less the rest is the `ground`'s: "table", a
    row of the stored assignments drawn with the seed, as for a whole picture; "null", no condition; or a mix (ids,
    weights). `weights`: of each region's mix, None for equal ones. For `RDMPipeline` ids are entries of its memory.
    Raises ValueError for masks and counts that no canvas has; ids and weights are looked at by the pipeline.
    """

    masks: torch.Tensor
    prototypes: Sequence[Mix]
    weights: Sequence[Weights] | None = None
    ground: Ground | None = None

    def __post_init__(self):
        object.__setattr__(self, "ground", "table" if self.ground is None else self.ground)
        masks = self.masks
        fits = isinstance(masks, torch.Tensor) and masks.ndim == 3 and masks.is_floating_point()
        if not fits or 0 in masks.shape[1:]:
            got = f"{tuple(masks.shape)} of {masks.dtype}" if isinstance(masks, torch.Tensor) else shown(masks)
            raise ValueError(f"masks: expected numbers (regions, height, width), got {got}")
        expect("masks", len(masks), f"at most {MOST} regions", len(masks) <= MOST)
        within = len(masks) == 0 or (bool(masks.isfinite().all()) and masks.min() >= 0 and masks.max() <= 1)
        if not within:
            raise ValueError(f"masks: expected values from 0 to 1, got {float(masks.min())} to {float(masks.max())}")
        for field in ("prototypes", "weights"):
            values = getattr(self, field)
            if values is not None and (isinstance(values, str) or len(values) != len(masks)):
                raise ValueError(f"{field}: expected {len(masks)}, one for each region, got {len(values)}")
        if isinstance(self.ground, str):
            one_of("ground", self.ground, GROUNDS)
        else:
            pair = isinstance(self.ground, tuple) and len(self.ground) == 2
            expect("ground", self.ground, "table, null, or a mix (ids, weights)", pair)

    @property
    def height(self) -> int:
        return self.masks.shape[1]

    @property
    def width(self) -> int:
        return self.masks.shape[2]

    def mixes(self) -> list[tuple[list[int], Weights]]:
        """The ids of each region and their weights."""
        weights = self.weights or [None] * len(self.masks)
        return [(_ids(mix), w if w is None else list(w)) for mix, w in zip(self.prototypes, weights, strict=True)]


def _ids(mix: Mix) -> list[int]:
    return list(mix) if isinstance(mix, Sequence) and not isinstance(mix, str) else [mix]  # type: ignore[list-item]


def painted(
    regions: Regions,
    *,
    mixed: Callable[[list[int], Weights], Condition],
    ground: Callable[[str], Condition],
    attended: int,
) -> Condition:
    """The condition of a canvas, with weights by place, from those that its regions would have as whole pictures.

    `mixed` gives the condition of a mix, `ground` that of a ground by its name; `attended`: how many pixels wide the
    finest place of attention is. What covers a canvas alone gives the condition of a whole picture, to the bit.
    Raises the ValueErrors of `mixed` with the region's number.
    """
    rows = regions.mixes()
    parts = []
    for i, (ids, weights) in enumerate(rows):
        try:
            parts.append(mixed(ids, weights))
        except ValueError as error:
            raise ValueError(f"regions: region {i}: {error}") from error
    # In an order that does not depend on the caller's: sums of floats do on theirs.
    masks = regions.masks.float()
    order = sorted(range(len(rows)), key=lambda i: (rows[i][0], rows[i][1] or [], float(masks[i].sum())))
    cover = shares(masks[order])
    parts = [parts[i] for i in order]
    beneath = regions.ground or "table"
    if not isinstance(beneath, str):
        parts.append(mixed(list(beneath[0]), beneath[1]))
    elif bool(cover[-1].any()):
        parts.append(ground(beneath))  # "table" takes numbers from the generators: only where it is seen
    seen = [i for i in range(len(parts)) if bool(cover[i].any())]
    if len(seen) == 1:
        return parts[seen[0]]
    return blended([parts[i] for i in seen], F.avg_pool2d(cover[seen], attended))


def shares(masks: torch.Tensor) -> torch.Tensor:
    """The share that each of the masks (M, H, W) has of a place, and last the ground's: (M + 1, H, W), sum 1."""
    total = masks.sum(0)
    rest = torch.where(total > 1 - FAINT, 0.0, 1 - total)  # a blur's rounding paints no ground
    return torch.cat([masks / torch.where(rest > 0, 1.0, total), rest[None]])
