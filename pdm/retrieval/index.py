"""Nearest-neighbour search for a memory: one interface, and the name that chooses an implementation."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from pdm.support.checks import shown

FAISS_KINDS = ("exact", "hnsw", "ivf")
QDRANT = "qdrant"
EXPECTED = "exact, hnsw, ivf, qdrant, qdrant:FOLDER or the http(s)://... of a Qdrant server"


class Vectors(Protocol):
    """What an index is made of: N unit vectors of E dimensions, which need not all be in RAM at once."""

    @property
    def dim(self) -> int: ...

    def __len__(self) -> int: ...

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Vectors start to stop - 1, float32 (stop - start, E)."""
        ...

    def digest(self) -> str:
        """Hexadecimal digits that name these vectors: others have other digits."""
        ...


class Index(Protocol):
    """A search over vectors, known by their positions from 0."""

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (B, k) int64, nearest first, and Euclidean distances (B, k) of queries (B, E) float32."""
        ...

    @property
    def ram_bytes(self) -> int:
        """Bytes it takes in this process."""
        ...


def check_index(name: str) -> str:
    """The name itself; raises ValueError for a name of no index."""
    folder = name.partition(":")[2] if name.startswith(f"{QDRANT}:") else ""
    if not (name in (*FAISS_KINDS, QDRANT) or folder or is_url(name)):
        raise ValueError(f"index: expected {EXPECTED}, got {shown(name)}")
    return name


def is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def make_index(name: str, vectors: Vectors, folder: Path | None = None) -> Index:
    """The index of that name over the vectors; `folder` is where FAISS keeps one that takes long to build.

    "exact" scans all vectors; "hnsw" and "ivf" are approximate. "qdrant" is Qdrant inside this process, exact, for up
    to about 100,000 vectors, in RAM or in FOLDER; a server or cluster is approximate (HNSW) and has no such limit.
    """
    check_index(name)
    if name in FAISS_KINDS:
        from pdm.retrieval.faiss_index import faiss_index

        return faiss_index(name, vectors, folder)
    from pdm.retrieval.qdrant_index import QdrantIndex

    return QdrantIndex(name.removeprefix(f"{QDRANT}:") if name != QDRANT else None, vectors)
