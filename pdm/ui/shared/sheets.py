"""Small pictures as text, for a browser to keep: one WebP without loss. Reading trusts nothing."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image

from pdm.data.tiles import tiled
from pdm.support.checks import expect

ACROSS = 8  # pictures in a row of a sheet
MOST = 2_000_000  # characters of one


def packed_sheet(images: np.ndarray) -> str:
    """Pictures uint8 (B, C, H, W) in base64."""
    buffer = io.BytesIO()
    sheet = tiled(torch.from_numpy(images), min(len(images), ACROSS)).convert("RGB")
    sheet.save(buffer, "WEBP", lossless=True, quality=30, method=1)
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked_sheet(text: object, count: int, side: int, channels: int) -> np.ndarray:
    """The inverse of `packed_sheet`; raises ValueError or OSError for a picture of another kind or size."""
    expect("pictures", text, "a picture in base64", isinstance(text, str) and len(text) <= MOST)
    assert isinstance(text, str)
    columns = min(count, ACROSS)
    rows = -(-count // columns)
    with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("WEBP",)) as sheet:
        expect("pictures", sheet.size, f"a sheet of {count}", sheet.size == (columns * side, rows * side))
        pixels = np.asarray(sheet.convert("L" if channels == 1 else "RGB"))
    grid = pixels.reshape(rows, side, columns, side, channels).transpose(0, 2, 4, 1, 3)
    return grid.reshape(rows * columns, channels, side, side)[:count].copy()
