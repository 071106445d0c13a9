"""What a large memory's folder must be before anything of it is believed: it may come from somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pdm.support.checks import expect, is_text, whole

DIGEST = re.compile(r"[0-9a-f]{16}")
MAX_ENTRIES, MAX_DIM = 2**31 - 1, 65_536


def check_card(card: dict) -> None:
    """Raise ValueError unless entries, dim, digest and encoder are possible: an index's file is named by the digest."""
    whole("entries", card["entries"], 2, MAX_ENTRIES)
    whole("dim", card["dim"], 1, MAX_DIM)
    digest = card["digest"]
    fits = isinstance(digest, str) and DIGEST.fullmatch(digest) is not None
    expect("digest", digest, "16 hexadecimal digits", fits)
    encoder = card["encoder"]
    expect("encoder", encoder, "a name or nothing", encoder == "" or is_text(encoder, 1000))


def of_shape(files: list[np.ndarray], dtype: type, dim: int, rows: int, folder: Path) -> list[np.ndarray]:
    """The files, if each holds full rows (n, dim) of a type and all but the last of them `rows` of them."""
    for number, part in enumerate(files):
        full = part.ndim == 2 and part.shape[1] == dim and 0 < len(part) <= rows
        if part.dtype != dtype or not full or (number < len(files) - 1 and len(part) != rows):
            expected = f"{rows} rows of {dim} numbers of {np.dtype(dtype).name}"
            raise ValueError(f"memory {folder}: expected {expected} in file {number}, got {part.shape} of {part.dtype}")
    return files


def check_neighbours(files: Iterable[np.ndarray], entries: int, folder: Path) -> Iterator[np.ndarray]:
    """The files of neighbours, each after a look at its type and at whether its ids are entries of the memory."""
    for part in files:
        if part.dtype != np.int32 or (part.size and not 0 <= part.min() <= part.max() < entries):
            raise ValueError(f"memory {folder}: expected neighbours from 0 to {entries - 1} as int32, got others")
        yield part


def finite(rows: np.ndarray, folder: Path) -> np.ndarray:
    """Rows as float32; raises ValueError for any that is no number. Looked at when read: files may be many GB."""
    rows = rows.astype(np.float32)
    if not np.isfinite(rows).all():
        raise ValueError(f"memory {folder}: expected finite embeddings, got others; make it again")
    return rows
