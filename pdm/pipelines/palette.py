"""Masks as one indexed picture: index 0 is the ground, every other index a region that a legend names."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from pdm.pipelines.regions import Ground, Mix, Regions, Weights, shares
from pdm.support.checks import expect, is_number, shown

GROUND = 0  # the index of what is not painted
SOFTEN = 4.0  # pixels over which one region's edge fades into the next by default
FAINT = 1e-4  # share of a place that is none: what a region covers alone stays so, to the bit
MOST = 255  # regions of one picture
Entry = Mix | tuple[Sequence[int], Weights]  # a prototype, several, or several with their weights


def from_palette(
    image: Image.Image, legend: Mapping[int, Entry], *, soften: float = SOFTEN, ground: Ground | None = None
) -> Regions:
    """The regions of an indexed picture ("P", "L" or "1"), whose indices stand in the legend.

    The legend may name index 0 as well, which is then the ground; `soften`: the standard deviation in pixels of the
    blur at their edges. Raises ValueError for another kind of picture and for indices that the legend does not name.
    """
    indices = indices_of(image)
    names = {int(k): entry for k, entry in legend.items()}
    if missing := sorted(set(np.unique(indices).tolist()) - {GROUND, *names}):
        known = ", ".join(map(str, sorted(names))) or "none"
        raise ValueError(f"mask: expected indices of the legend ({known}) and 0, got also {shown(missing)}")
    if GROUND in names:
        expect("ground", ground, "none beside a legend that names index 0", ground is None)
        ids, weights = mix_of(names.pop(GROUND))
        ground = (ids, weights)
    order = sorted(names)
    mixes = [mix_of(names[k]) for k in order]
    masks = torch.from_numpy(np.stack([indices == k for k in (GROUND, *order)])).float()
    return Regions(softened(masks, soften)[1:], [m[0] for m in mixes], [m[1] for m in mixes], ground)


def mix_of(entry: Entry) -> tuple[list[int], Weights]:
    """The ids of a legend's entry and their weights, None for equal ones."""
    if isinstance(entry, int):
        return [entry], None
    if isinstance(entry, tuple) and len(entry) == 2 and not isinstance(entry[0], int):
        ids, weights = cast(tuple[Sequence[int], Weights], entry)
        return list(ids), weights
    return list(cast(Sequence[int], entry)), None


def indices_of(image: Image.Image) -> np.ndarray:
    """The indices (H, W) uint8 of an indexed or grey picture; raises ValueError for one in colours."""
    if image.mode not in ("P", "L", "1"):
        raise ValueError(f"mask: expected an indexed or a grey picture (mode P or L), got mode {image.mode}")
    return np.asarray(image).astype(np.uint8)


def edges(tiling: str) -> float:
    """Pixels by which edges are softened where nobody says: none in a mosaic, whose cells are pictures of their own."""
    return 0.0 if tiling == "mosaic" else SOFTEN


def softened(masks: torch.Tensor, soften: float) -> torch.Tensor:
    """Masks (M, H, W) blurred by a Gaussian of so many pixels; where they sum to 1 they go on doing so."""
    expect("soften", soften, "pixels from 0 to 64", is_number(soften, 0, 64))
    if soften == 0 or len(masks) == 0:
        return masks
    reach = int(3 * soften + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / soften) ** 2)
    kernel = (kernel / kernel.sum())[None, None, None]  # (1, 1, 1, 2 * reach + 1)
    for _ in range(2):  # along each of the two axes
        wide = F.pad(masks[:, None], (reach, reach, 0, 0), mode="replicate")
        masks = F.conv2d(wide, kernel)[:, 0].mT
    return torch.where(masks < FAINT, 0.0, torch.where(masks > 1 - FAINT, 1.0, masks))


def to_palette(regions: Regions, colours: Sequence[tuple[int, int, int]] | None = None) -> Image.Image:
    """An indexed picture of what has most of each pixel: 0 the ground, i + 1 region i. Soft edges become hard ones.

    `colours`: of the regions; without them every region has a hue of its own. The ground is grey.
    """
    expect("regions", len(regions.masks), f"at most {MOST}", len(regions.masks) <= MOST)
    cover = shares(regions.masks.float()).roll(1, 0)
    image = Image.fromarray(cover.argmax(0).numpy().astype(np.uint8), "P")
    shown_as = [hue(i) for i in range(len(regions.masks))] if colours is None else list(colours)
    image.putpalette([channel for colour in [(128, 128, 128), *shown_as] for channel in colour])
    return image


def hue(number: int) -> tuple[int, int, int]:
    """A colour for each number, far from those of the numbers beside it (the golden angle)."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.65, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
