"""Which symmetries a data set has, by what its images are on average: what training may mirror or turn."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from pdm.data.augment import grey
from pdm.data.images import ImageData

CELLS = 8  # a side, into which images are averaged
LOOKED_AT = 6_000  # images
FEWEST = 30  # of a class that is looked at by itself
# Of a class whose mean has sides, in standard deviations of an image. Measured on 6,000 images of each set, the largest
# of all classes: mirrored, CIFAR-10 0.02, STL-10 0.00, Tiny ImageNet 0.06, CelebA 0.02, EuroSAT 0.16; upside down,
# EuroSAT 0.16 and all the others from 0.37 to 0.96.
ONE_SIDED = 0.25
CHANCE = 3.0  # times what chance does to the mean of so few images on average

TURNS = {
    "mirrored": lambda mean: mean.flip(1),
    "upside down": lambda mean: mean.flip(0),
    "transposed": lambda mean: mean.T,
}


def one_sidedness(data: ImageData) -> dict[str, float]:
    """How far the mean image of a class is from itself mirrored, upside down or transposed: the largest of all classes.

    In standard deviations of an image, without what chance does to the mean of so few images.
    """
    x = grey(data.images[:LOOKED_AT].float() / 255)
    cells = F.adaptive_avg_pool2d(x, CELLS)[:, 0]  # (N, 8, 8)
    labels = data.labels[:LOOKED_AT]
    classes = [labels == k for k in range(len(data.class_names))]
    groups = [rows for rows in classes if int(rows.sum()) >= FEWEST] or [torch.ones_like(labels, dtype=torch.bool)]
    found = dict.fromkeys(TURNS, 0.0)
    for rows in groups:
        mean, spread = cells[rows].mean(0), cells[rows].var(0).mean().clamp_min(1e-8)
        for name, turned in TURNS.items():
            apart = (mean - turned(mean)).square().mean() / spread - CHANCE * 2 / int(rows.sum())
            found[name] = max(found[name], float(apart.clamp_min(0).sqrt()))
    return found


def symmetry_of(data: ImageData) -> str:
    """ "d4" where images look alike from all sides, "flip" where they do in a mirror, else "none"."""
    sided = {name for name, value in one_sidedness(data).items() if value >= ONE_SIDED}
    return "none" if "mirrored" in sided else "flip" if sided else "d4"
