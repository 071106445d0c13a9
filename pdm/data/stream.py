"""Data sets picture by picture, for those that do not fit into memory; the order is that of `pdm.data.images.load`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import torch
from PIL import Image

from pdm.data.images import class_files, from_pil, load, open_picture, to_pil
from pdm.support.hub import quiet_hub


def pictures(source: str, start: int = 0, split: str = "train", size: int = 32) -> Iterator[Image.Image]:
    """The pictures of a data set (see `pdm.data.images.load`) from row `start` on, decoded one by one.

    "fashion-mnist" is small and read whole, at `size`. Raises ValueError for a source that is not there or cannot be
    reached, and for a file that is no image.
    """
    folder = Path(source)
    if source == "fashion-mnist":
        yield from map(to_pil, load(source, split, size).images[start:])
    elif folder.is_dir() and not any(folder.rglob("*.parquet")):
        yield from map(open_picture, class_files(folder, split)[1][start:])
    else:
        yield from _hub(source, start, split)


def _hub(source: str, start: int, split: str) -> Iterator[Image.Image]:
    import datasets

    try:
        with quiet_hub():
            table = datasets.load_dataset(source, split=split, streaming=True)
            features = table.features or {}
        key = next((name for name, kind in features.items() if isinstance(kind, datasets.Image)), None)
        if key is None:
            raise ValueError(f"expected a column of images, got {list(features)}")
        yield from (row[key] for row in table.select_columns([key]).skip(start))
    except Exception as error:  # datasets raises a dozen unrelated types for "not there"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"data set {source!r}, split {split!r}: "
            f"expected images of a hub id that can be reached or of a local folder, got: {reason}"
        ) from error


def batches(found: Iterable[Image.Image], size: int, channels: int, rows: int) -> Iterator[torch.Tensor]:
    """Pictures as uint8 (n, C, size, size), `rows` at a time."""
    found = iter(found)
    while part := [from_pil(picture, size, channels) for picture in islice(found, rows)]:
        yield torch.stack(part)
