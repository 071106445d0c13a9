"""RDM's memory when it outgrows RAM: embeddings in files that are mapped, not read, and any of the indexes."""

from __future__ import annotations

import errno
import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from pdm.retrieval.memory_checks import check_card, check_neighbours, finite, of_shape
from pdm.retrieval.searching import Searching
from pdm.support.checks import reason
from pdm.support.files import atomic_file, read_json

CARD = "memory.json"  # written last: a folder without it is not complete
VERSION = 1  # of the folder
ROWS = 8192  # embeddings in a file
EMBEDDINGS, NEIGHBOURS = "embeddings", "neighbours"


class LargeMemory(Searching):
    """N unit embeddings of E dimensions, float16, in files embeddings-00000.npy, ... of ROWS rows each.

    Entry i is image i of the data set. A file neighbours-00000.npy holds the k nearest other entries of each of the
    same rows, int32 (n, k), from which popularity is counted. `card`: the card that a folder still being built is going
    to have. Raises ValueError for a folder that is not complete.
    """

    def __init__(self, folder: Path, index: str = "exact", card: dict | None = None):
        self.folder = self.index_folder = Path(folder)
        self.card = card or read_card(self.folder)
        self.files = of_shape(mapped(self.folder, EMBEDDINGS), np.float16, self.card["dim"], ROWS, self.folder)
        if sum(map(len, self.files)) != len(self):
            found = sum(map(len, self.files))
            raise ValueError(f"memory {folder}: expected {len(self)} embeddings, got {found}; make it again")
        self.use_index(index)

    def __len__(self) -> int:
        return self.card["entries"]

    @property
    def dim(self) -> int:
        return self.card["dim"]

    # Of a `Memory` these two are tensors; here they are worked out when they are asked for, and kept.
    @cached_property
    def source_ids(self) -> torch.Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return torch.arange(len(self), dtype=torch.int32)

    @cached_property
    def popularity(self) -> torch.Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        counts = np.zeros(len(self), np.int64)
        for part in check_neighbours(mapped(self.folder, NEIGHBOURS), len(self), self.folder):
            counts += np.bincount(part.ravel(), minlength=len(self))
        return torch.from_numpy(counts)

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """The embeddings (..., E) of entries (...)."""
        flat = [self.files[i // ROWS][i % ROWS] for i in ids.flatten().tolist()]
        return torch.from_numpy(finite(np.stack(flat), self.folder)).reshape(*ids.shape, self.dim)

    def rows(self, start: int, stop: int) -> np.ndarray:
        parts = []
        while start < stop:
            file, row = divmod(start, ROWS)
            parts.append(self.files[file][row : row + stop - start])
            start += len(parts[-1])
        return finite(np.concatenate(parts), self.folder)

    def digest(self) -> str:
        return self.card["digest"]


def read_card(folder: Path) -> dict:
    """What a complete folder says of itself; raises ValueError for any other."""
    try:
        card = read_json(folder / CARD)
        if card["version"] != VERSION:
            raise ValueError(f"version {card['version']}")
        missing = {"entries", "dim", "digest", "encoder"} - set(card)
        if missing:
            raise ValueError(f"a card without {', '.join(sorted(missing))}")
        check_card(card)
        return card
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"memory {folder}: expected one of version {VERSION} that `python -m pdm memory --stream` finished, "
            f"got: {reason(error)}"
        ) from error


def file_of(folder: Path, kind: str, number: int) -> Path:
    return folder / f"{kind}-{number:05d}.npy"


def write_rows(folder: Path, kind: str, number: int, rows: np.ndarray) -> None:
    """Write file `number` of a kind, whole or not at all."""
    with atomic_file(file_of(folder, kind, number), durable=True) as part:
        try:
            np.save(part, rows, allow_pickle=False)
        except OSError as error:
            if error.errno is not None:
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error  # NumPy only counts bytes


def mapped(folder: Path, kind: str) -> list[np.ndarray]:
    """The files of a kind from the first on, up to the first that is missing, mapped for reading.

    Raises ValueError for one that is not whole.
    """
    found: list[np.ndarray] = []
    while (path := file_of(folder, kind, len(found))).is_file():
        try:
            found.append(np.load(path, mmap_mode="r", allow_pickle=False))
        except Exception as error:  # NumPy reads the header as Python's own text
            raise ValueError(
                f"{path}: expected whole rows, got: {reason(error)}; delete it to make it again"
            ) from error
    return found


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for rows in mapped(folder, EMBEDDINGS):
        digest.update(rows.tobytes())
    return digest.hexdigest()[:16]
