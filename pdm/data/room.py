"""Room for the images of a data set: in memory, or in a file where that has too little."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch

from pdm.support.checks import reason
from pdm.support.files import CACHE_FOLDER

FOLDER = CACHE_FOLDER / "images"
OF_MEMORY = 0.25  # share of the free memory that images may take


def room(shape: Sequence[int], folder: Path | None = None) -> torch.Tensor:
    """An uint8 tensor of this shape, for somebody to fill.

    What takes more than a quarter of the free memory lies in a file without a name, which is gone with the process: the
    system keeps in memory what is looked at, as far as it can. Raises ValueError where `folder` (default: the cache)
    has no room either.
    """
    size = math.prod(shape)
    if size <= OF_MEMORY * psutil.virtual_memory().available:
        return torch.empty(*shape, dtype=torch.uint8)
    folder = folder or FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # now, or a full disk would end the process later
            else:
                file.truncate(size)
            return torch.from_file(file.name, shared=True, size=size, dtype=torch.uint8).view(*shape)
    except OSError as error:
        raise ValueError(f"{folder}: expected room for {size / 1e9:.1f} GB of images, got: {reason(error)}") from error
