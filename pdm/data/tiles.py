"""Many pictures on one sheet."""

from __future__ import annotations

import torch
from PIL import Image


def tiled(images: torch.Tensor, columns: int) -> Image.Image:
    """Images, uint8 (N, C, H, W), `columns` in a row; what the last row leaves free is black."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    tiles = torch.zeros(rows * columns, channels, height, width, dtype=torch.uint8)
    tiles[:n] = images
    sheet = tiles.unflatten(0, (rows, columns)).permute(0, 3, 1, 4, 2)  # (rows, H, columns, W, C)
    return Image.fromarray(sheet.reshape(rows * height, columns * width, channels).squeeze(-1).numpy())
