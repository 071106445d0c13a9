"""The sprite sheets of a map: how many tiles fit on one; read only when its header says the size that the card does."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pdm.data.picture_header import picture_header
from pdm.support.checks import whole

MAX_PIXELS = 170_000_000  # of a sheet: 40,000 pictures of 64 x 64; Pillow itself refuses not much more
IN_ALL = 2 * MAX_PIXELS  # of a map, which is held in memory whole
MAX_SIDE = 16_383  # of a sheet: WebP ends there, and what browsers draw
COLUMNS = 100  # of a sheet at least, where so many fit
MAX_TILE = 10_000  # pixels a side
USUAL = 10_000  # images on a map, where no number is given: a memory's first ones, so that its pictures are there


@dataclass(frozen=True)
class Grid:
    """How the tiles of a map are laid out: `columns` in a row, `per_sheet` on each sheet but the last."""

    columns: int
    per_sheet: int

    def counts(self, count: int) -> list[int]:
        """How many of `count` tiles lie on each sheet."""
        return [min(self.per_sheet, count - start) for start in range(0, count, self.per_sheet)]


def most_tiles(width: int, height: int) -> int:
    """How many tiles of this size a map can hold."""
    return IN_ALL // (width * height)


def usual_count(size: int) -> int:
    """How many images of this side a map shows where no number is given."""
    return min(USUAL, most_tiles(size, size))


def grid_of(count: int, width: int, height: int) -> Grid:
    """Sheets for so many tiles, square where there are many; raises ValueError for more than a map can hold."""
    if count > most_tiles(width, height) or max(width, height) > MAX_TILE:
        most = most_tiles(width, height) if max(width, height) <= MAX_TILE else 0
        raise ValueError(f"map: expected at most {most:,} pictures of {width} x {height} pixels, got {count:,}")
    columns = min(max(COLUMNS, math.isqrt(max(count, 1) - 1) + 1), MAX_SIDE // width)
    rows = min(MAX_SIDE // height, MAX_PIXELS // (columns * width * height))
    return Grid(columns, columns * rows)


def read_grid(card: dict) -> Grid:
    """The grid that a map's card says; earlier versions had one sheet. Raises ValueError for more than is held."""
    count, columns = card["images"], card["columns"]
    whole("images", count, 1, 10_000_000)
    whole("columns", columns, 1, 10_000)
    per_sheet = card.get("per_sheet", count)
    whole("per_sheet", per_sheet, 1, 2**53)
    for side in card["tile"]:
        whole("tile", side, 1, MAX_TILE)
    width, height = card["tile"]
    if -(-count // columns) * columns * width * height > IN_ALL or -(-count // per_sheet) > 1000:
        raise ValueError(f"map: expected at most {most_tiles(width, height)} pictures of {width} x {height} pixels")
    return Grid(columns, per_sheet)


def read_sheet(path: Path, count: int, columns: int, width: int, height: int) -> np.ndarray:
    """The sheet (H, W, C), uint8, of `count` tiles of this size in rows of `columns`.

    Raises ValueError for another size than these make, before anything is decoded, and for a damaged file.
    """
    whole("images", count, 1, 10_000_000)
    whole("columns", columns, 1, 10_000)
    whole("tile", width, 1, MAX_TILE)
    whole("tile", height, 1, MAX_TILE)
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
