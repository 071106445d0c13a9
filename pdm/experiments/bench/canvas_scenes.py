"""Random scenes for the benchmark of canvases, and the crops of a painted one that lie wholly inside a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pdm.pipelines.palette import softened
from pdm.pipelines.regions import Regions

STRIDE = 16  # pixels from one crop to the next


@dataclass(frozen=True)
class Scene:
    """A canvas without a ground: which region each pixel is of (H, W), and the prototype of each region."""

    indices: torch.Tensor
    prototypes: tuple[int, ...]

    def regions(self, soften: float) -> Regions:
        masks = torch.stack([self.indices == i for i in range(len(self.prototypes))]).float()
        return Regions(softened(masks, soften), self.prototypes)

    def crops(self, image: torch.Tensor, side: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops (N, C, side, side) of a picture uint8 (C, H, W) inside one region, and its prototype (N,)."""
        where = [(tops, lefts) for tops in _starts(image.shape[1], side) for lefts in _starts(image.shape[2], side)]
        found = []
        for top, left in where:
            here = slice(top, top + side), slice(left, left + side)
            of = self.indices[here]
            if bool((of == of[0, 0]).all()):
                found.append((image[:, here[0], here[1]], self.prototypes[int(of[0, 0])]))
        images = torch.stack([crop for crop, _ in found]) if found else image.new_zeros(0, len(image), side, side)
        return images, torch.tensor([k for _, k in found], dtype=torch.long)


def _starts(length: int, side: int) -> range:
    return range(0, length - side + 1, STRIDE)


def scenes(count: int, side: int, prototypes: Sequence[int], generator: torch.Generator) -> list[Scene]:
    """Random scenes of 2 to 6 regions with wavy borders, each with other prototypes; every one has a crop inside."""
    found: list[Scene] = []
    while len(found) < count:
        number = 2 + int(torch.randint(5, (), generator=generator))
        corners = side * torch.rand(number, 2, generator=generator)  # a pixel is of the nearest one's region
        waves = torch.randn(1, 2, 6, 6, generator=generator) * side / 16
        bent = F.interpolate(waves, size=(side, side), mode="bicubic", align_corners=False)[0]  # (2, H, W)
        at = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")) + bent
        indices = torch.cdist(at.flatten(1).T, corners).argmin(1).view(side, side)
        order = torch.randperm(len(prototypes), generator=generator)[:number].tolist()
        found.append(Scene(indices, tuple(prototypes[i] for i in order)))
    return found
