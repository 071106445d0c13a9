"""Search by FAISS, in this process: a scan of all vectors, or a graph (HNSW) or lists (IVF) that skip most of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from pdm.retrieval.index import Vectors
from pdm.support.files import atomic_file

BLOCK = 50_000  # vectors handed to FAISS at once
M, EF_BUILD, EF_SEARCH = 32, 80, 96  # of HNSW: links a vector, and how widely links and neighbours are looked for
PROBED = 24  # lists of IVF that a query looks into
TRAINED_ON = 64  # vectors for each list's centre
WRAPPED: Any = faiss  # whose Python side adds names and arguments that no type checker sees


class FaissIndex:
    """See `pdm.retrieval.index.Index`."""

    def __init__(self, index: faiss.Index):
        self.index = index

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        squared, ids = self.index.search(queries, k, params=_wide_enough(self.index, k))
        short = (ids < 0).any(1)  # an approximate search can find fewer than k among copies or in small lists
        if short.any():
            squared[short], ids[short] = _scan(self.index, queries[short], k)
        return ids, np.sqrt(np.maximum(squared, 0))

    @property
    def ram_bytes(self) -> int:
        count, dim = self.index.ntotal, self.index.d
        if isinstance(self.index, faiss.IndexHNSW):
            graph: Any = self.index.hnsw
            return count * dim * 4 + graph.neighbors.size() * 4 + graph.offsets.size() * 8 + graph.levels.size() * 4
        if isinstance(self.index, faiss.IndexIVF):
            return count * (dim * 4 + 8) + self.index.nlist * dim * 4  # each list keeps its vectors' ids
        return count * dim * 4


def faiss_index(kind: str, vectors: Vectors, folder: Path | None = None) -> FaissIndex:
    """The index of a kind over the vectors. An approximate one is read from `folder` if it was kept there before.

    Raises ValueError for a file there that is not whole.
    """
    path = None if folder is None or kind == "exact" else Path(folder) / f"{kind}-{vectors.digest()}.faiss"
    if path is not None and path.is_file():
        return FaissIndex(_read(path, vectors))
    index = _empty(kind, vectors)
    for start in range(0, len(vectors), BLOCK):
        index.add(vectors.rows(start, min(start + BLOCK, len(vectors))))
    if path is not None:
        with atomic_file(path) as part:
            faiss.write_index(index, str(part))
    return FaissIndex(index)


def expected_bytes(kind: str, entries: int, dim: int) -> int:
    """What `FaissIndex.ram_bytes` comes to, by counting."""
    flat = entries * dim * 4
    if kind == "hnsw":  # twice M links on the lowest level; a vector is on 1 / (M - 1) further ones on average
        return round(flat + entries * (4 * (2 * M + M / (M - 1)) + 8 + 4))
    return flat + entries * 8 + _lists(entries) * dim * 4 if kind == "ivf" else flat


def _empty(kind: str, vectors: Vectors) -> faiss.Index:
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(vectors.dim, M)
        index.hnsw.efConstruction = EF_BUILD
        return index
    if kind == "ivf":
        lists = _lists(len(vectors))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(vectors.dim), vectors.dim, lists)
        index.train(_spread(vectors, TRAINED_ON * lists))
        return index
    return faiss.IndexFlatL2(vectors.dim)


def _lists(entries: int) -> int:
    """As many lists as vectors in each; FAISS wants 39 to find a centre."""
    return max(1, min(round(math.sqrt(entries)), entries // 39))


def _spread(vectors: Vectors, count: int, runs: int = 50) -> np.ndarray:
    """About `count` vectors from all over, in runs: the files they lie in are read in order."""
    if count >= len(vectors):
        return vectors.rows(0, len(vectors))
    length = math.ceil(count / runs)
    starts = np.linspace(0, len(vectors) - length, runs).astype(int)
    return np.concatenate([vectors.rows(start, start + length) for start in starts.tolist()])


def _wide_enough(index: faiss.Index, k: int) -> faiss.SearchParameters | None:
    if isinstance(index, faiss.IndexHNSW):
        return WRAPPED.SearchParametersHNSW(efSearch=max(EF_SEARCH, 2 * k))
    if isinstance(index, faiss.IndexIVF):
        return WRAPPED.SearchParametersIVF(nprobe=min(PROBED, index.nlist))
    return None


def _scan(index: Any, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The exact answer of an approximate index."""
    if isinstance(index, faiss.IndexHNSW):
        return index.storage.search(queries, k)
    return index.search(queries, k, params=WRAPPED.SearchParametersIVF(nprobe=index.nlist))


def _read(path: Path, vectors: Vectors) -> faiss.Index:
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: expected a whole index, got a damaged one; delete it to build it again") from error
    assert (index.ntotal, index.d) == (len(vectors), vectors.dim)  # the digest in its name says so
    return index
