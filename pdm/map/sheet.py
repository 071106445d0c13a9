"""The sprite sheet of a map, read only when its header says the size that the map's card does."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from pdm.data.picture_header import picture_header
from pdm.support.checks import whole

MAX_PIXELS = 170_000_000  # 40,000 pictures of 64 x 64; Pillow itself refuses not much more


def read_sheet(path: Path, count: int, columns: int, width: int, height: int) -> np.ndarray:
    """The sheet (H, W, C), uint8, of `count` tiles of this size in rows of `columns`.

    Raises ValueError for another size than these make, before anything is decoded, and for a damaged file.
    """
    whole("images", count, 1, 10_000_000)
    whole("columns", columns, 1, 10_000)
    whole("tile", width, 1, 10_000)
    whole("tile", height, 1, 10_000)
    expected = columns * width, -(-count // columns) * height
    kind, *found = picture_header(path)
    if kind not in ("PNG", "WebP") or tuple(found) != expected or expected[0] * expected[1] > MAX_PIXELS:
        size = f"{expected[0]} x {expected[1]}"
        raise ValueError(f"sheet: expected a PNG or WebP of {size} pixels, got {kind} of {found[0]} x {found[1]}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is as large as its card says
        with Image.open(path, formats=("PNG", "WEBP")) as image:
            sheet = np.asarray(image)  # read-only, and a copy less
    return sheet[..., None] if sheet.ndim == 2 else sheet
