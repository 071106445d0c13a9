"""Fashion-MNIST from the files of Debian's package."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from pdm.data.images import ImageData
from pdm.data.known import FASHION_MNIST
from pdm.support.checks import shown

FILES = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
CLASSES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot")


def fashion_mnist(split: str) -> ImageData | None:
    """A split at 32 x 32, black around it; None where the package is not installed. Raises ValueError."""
    prefix = {"train": "train", "test": "t10k"}.get(split)
    if prefix is None:
        raise ValueError(f"split: expected 'train' or 'test', got {shown(split)}")
    if not FILES.is_dir():
        return None
    images = _idx(FILES / f"{prefix}-images-idx3-ubyte.gz")
    labels = _idx(FILES / f"{prefix}-labels-idx1-ubyte.gz")
    images = F.pad(torch.from_numpy(images)[:, None], (2, 2, 2, 2))
    return ImageData(FASHION_MNIST, images, torch.from_numpy(labels).long(), CLASSES)


def _idx(path: Path) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes (the format of MNIST)."""
    try:
        raw = gzip.decompress(path.read_bytes())
        dims = raw[3]
        shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape).copy()
    except (OSError, EOFError, IndexError, struct.error, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: expected a gzipped IDX file, got {error}") from error
