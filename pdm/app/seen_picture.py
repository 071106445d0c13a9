"""An uploaded picture as a model is to see it: cut to what is on it, turned from dark on light to light on dark."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageOps

from pdm.app.studio import Studio
from pdm.data.images import flattened, from_pil

DARK, LIGHT = 48, 128  # of a ground, 0 to 255
OBJECT = 24  # how far from its ground an object is at least
ROOM = 1.2  # of the cut, for each pixel of the object
LOOKED_AT = 256  # pixels a side of what an object is looked for in
SAMPLE = 200  # images of a map that are looked at


def wants_turning(studio: Studio, picture: Image.Image) -> bool:
    """Whether a model of light things on a dark ground is shown a picture with a light ground."""
    borders = _border(studio.map.images[:SAMPLE].float().mean(1).numpy())  # (n, pixels of the border)
    dark = float(np.median(borders, -1).mean()) < DARK
    return dark and float(np.median(_border(_grey(picture)))) > LIGHT


def seen(studio: Studio, picture: Image.Image, *, turned: bool = False, cut: bool = False) -> torch.Tensor:
    """The picture as the model's images are, uint8 (1, C, H, W). Raises ValueError for one that is too large.

    turned: light and dark are exchanged. cut: to what stands out of its ground, with a little room round it.
    """
    picture = flattened(picture)
    if cut:
        picture = _cut(picture)
    if turned:
        picture = ImageOps.invert(picture)
    return from_pil(picture, studio.pdm.seen_size, studio.pdm.channels)[None]


def _grey(picture: Image.Image) -> np.ndarray:
    """A small copy in grey, (H, W)."""
    small = flattened(picture).convert("L")
    small.thumbnail((LOOKED_AT, LOOKED_AT))
    return np.asarray(small).astype(float)


def _border(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels of pictures (..., H, W)."""
    return np.concatenate([grey[..., 0, :], grey[..., -1, :], grey[..., 1:-1, 0], grey[..., 1:-1, -1]], -1)


def _cut(picture: Image.Image) -> Image.Image:
    """A square with the object in its middle; what lies outside of the picture is its ground. As it is, without one."""
    grey = _grey(picture)
    away = np.abs(grey - np.median(_border(grey)))
    stands_out = away > max(OBJECT, 0.25 * away.max())
    across, down = (np.flatnonzero(stands_out.mean(axis) > 0.01) for axis in (0, 1))
    if not len(across) or not len(down):
        return picture
    scale = picture.width / grey.shape[1]
    left, right, top, bottom = (v * scale for v in (across[0], across[-1] + 1, down[0], down[-1] + 1))
    side = max(1, round(ROOM * max(right - left, bottom - top)))
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    pixels = np.asarray(picture)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = [int(v) for v in np.atleast_1d(np.median(edge, 0))]
    square = Image.new(picture.mode, (side, side), tuple(ground) if len(ground) > 1 else ground[0])
    square.paste(picture, (-x, -y))
    return square
