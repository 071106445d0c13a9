"""Random scenes for the benchmark of canvases, and the crops of a painted one that lie wholly inside a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F

from pdm.pipelines.palette import softened
from pdm.pipelines.regions import Regions
from pdm.sampling.windows import Windows

STRIDES = 4  # from one crop to the next it is this part of its side


@dataclass(frozen=True)
class Scene:
    """A canvas without a ground: which region each pixel is of (H, W), and the prototype of each region."""

    indices: torch.Tensor
    prototypes: tuple[int, ...]

    def regions(self, soften: float) -> Regions:
        masks = torch.stack([self.indices == i for i in range(len(self.prototypes))]).float()
        return Regions(softened(masks, soften), self.prototypes)

    def crops(self, image: torch.Tensor, side: int, stride: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops (N, C, side, side) of a picture uint8 (C, H, W) inside one region, and its prototype (N,).

        `stride`: pixels from one to the next, a quarter of a side where none is named.
        """
        found = []
        starts = [range(0, length - side + 1, stride or max(1, side // STRIDES)) for length in image.shape[1:]]
        for top, left in product(*starts):
            here = slice(top, top + side), slice(left, left + side)
            of = self.indices[here]
            if bool((of == of[0, 0]).all()):
                found.append((image[:, here[0], here[1]], self.prototypes[int(of[0, 0])]))
        images = torch.stack([crop for crop, _ in found]) if found else image.new_zeros(0, len(image), side, side)
        return images, torch.tensor([k for _, k in found], dtype=torch.long)


def scenes(count: int, side: int, own: int, prototypes: Sequence[int], generator: torch.Generator) -> list[Scene]:
    """Random scenes of 2 to 6 regions with wavy borders, each with other prototypes, and crops of `own` pixels."""
    found: list[Scene] = []
    while len(found) < count:
        number = 2 + int(torch.randint(5, (), generator=generator))
        corners = side * torch.rand(number, 2, generator=generator)  # a pixel is of the nearest one's region
        waves = torch.randn(1, 2, 6, 6, generator=generator) * side / 16
        bent = F.interpolate(waves, size=(side, side), mode="bicubic", align_corners=False)[0]  # (2, H, W)
        at = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")) + bent
        indices = torch.cdist(at.flatten(1).T, corners).argmin(1).view(side, side)
        order = torch.randperm(len(prototypes), generator=generator)[:number].tolist()
        scene = Scene(indices, tuple(prototypes[i] for i in order))
        if len(scene.crops(torch.zeros(1, side, side), own)[0]):
            found.append(scene)
    return found


def seam_energies(image: torch.Tensor, indices: torch.Tensor, windows: Windows | None, own: int) -> tuple[float, float]:
    """Mean squared differences of a picture uint8 (C, H, W) across the borders of windows, and across other lines.

    Lines are a quarter of a window apart, so that both see the net's grid alike; only pixels count that have the same
    region for as far on either side, so that no border of a region is taken for a seam.
    """
    assert windows is not None
    across = _line_energies(image, indices, windows.lefts, windows.width, own)
    down = _line_energies(image.mT, indices.T, windows.tops, windows.height, own)
    return tuple(sum(pair) / 2 for pair in zip(across, down, strict=True))  # type: ignore[return-value]


def _line_energies(image: torch.Tensor, of: torch.Tensor, starts: Sequence[int], side: int, own: int) -> list[float]:
    """The mean energies across the columns where windows begin or end, and across the other columns of the grid."""
    x, width = image.float(), image.shape[2]
    borders = {start for start in starts if start} | {start + side for start in starts if start + side < width}
    found: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    quarter = own // 4
    for column in range(quarter, width, quarter):
        reach = min(quarter, column, width - column)
        near = of[:, column - reach : column + reach]
        inside = (near == near[:, :1]).all(1)  # (H,)
        found[column in borders].append(((x[:, :, column] - x[:, :, column - 1]) ** 2)[:, inside].flatten())
    return [float(torch.cat(found[kind]).mean()) for kind in (True, False)]
