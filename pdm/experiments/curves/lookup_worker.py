"""One row of the curve `lookup`, in a process of its own.

python -m pdm.experiments.curves.lookup_worker FOLDER INDEX ENTRIES: FOLDER holds a large memory and queries.
The row is printed as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
import torch

from pdm.retrieval.index import Vectors, make_index
from pdm.retrieval.large_memory import LargeMemory
from pdm.support.files import atomic_file
from pdm.support.timing import Timing, seconds

NEIGHBOURS = 4  # k
QUERIES = "queries.npy"  # (Q, E)
TIMED = 300  # queries
CPU = torch.device("cpu")


class First:
    """The first `entries` vectors of a memory."""

    def __init__(self, memory: LargeMemory, entries: int):
        self.memory, self.entries = memory, entries

    def __len__(self) -> int:
        return self.entries

    @property
    def dim(self) -> int:
        return self.memory.dim

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self.memory.rows(start, stop)

    def digest(self) -> str:
        return f"{self.memory.digest()}-{self.entries}"


def measure(folder: Path, what: str, entries: int) -> dict:
    """See `lookup`: milliseconds, recall@4, bytes; also the build's seconds and this process's peak of RAM.

    An index that was built before is built again: its cost is part of the row.
    """
    memory = LargeMemory(folder)
    vectors = First(memory, entries)
    queries = np.load(folder / QUERIES, allow_pickle=False)
    exact = _exact(folder, vectors, queries)
    for old in folder.glob("*.faiss"):
        old.unlink()
    start = perf_counter()
    index = make_index(what, vectors, folder)
    built = perf_counter() - start
    found = index.search(queries, NEIGHBOURS)[0]

    def find(query: np.ndarray) -> None:
        memory.vectors(torch.from_numpy(index.search(query, NEIGHBOURS)[0]))

    took = Timing.of([seconds(lambda q=queries[i : i + 1]: find(q), CPU) for i in range(min(TIMED, len(queries)))])
    kept = sum(path.stat().st_size for path in folder.glob("*.faiss"))
    return {
        "ms": round(1000 * took.median, 4),
        "recall": round(float((found[:, :, None] == exact[:, None]).any(1).mean()), 4),
        "ram_bytes": index.ram_bytes,
        "disk_bytes": 2 * memory.dim * entries + kept,
        "measured": True,
        "build_s": round(built, 2),
        "peak_rss_bytes": peak_rss(),
    }


def _exact(folder: Path, vectors: Vectors, queries: np.ndarray) -> np.ndarray:
    """The exact neighbours (Q, k), kept from the first row of this size that was measured."""
    path = folder / f"exact-{len(vectors)}.npy"
    if not path.is_file():
        found = make_index("exact", vectors).search(queries, NEIGHBOURS)[0]
        with atomic_file(path) as part:
            np.save(part, found, allow_pickle=False)
    return np.load(path, allow_pickle=False)


def peak_rss() -> int:
    """Bytes of RAM this process has held at most."""
    try:  # getrusage of a started process can tell of the one that started it
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):  # not Linux
        info = psutil.Process().memory_info()
        return getattr(info, "peak_wset", info.rss)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
