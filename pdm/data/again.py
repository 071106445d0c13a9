"""The pictures of a data set once more, at another size and some at a time: more than fits in memory goes this way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from pdm.data.decode import refused_when_huge
from pdm.data.images import ImageData
from pdm.data.load import THREADS, Reading
from pdm.data.sources import listing, resolve


class Again:
    """Reads the images of `data`, which came from this source and split, as uint8 (3, size, size) in colour.

    Raises ValueError for data whose images have no places, and for a source that is no longer what it was.
    """

    def __init__(self, source: str, data: ImageData, size: int, split: str = "train"):
        if len(data.places) != len(data):
            raise ValueError(f"data set {source!r}: expected pictures that can be read in any size, got {data.name!r}")
        self.source, self.data = source, data
        rows = listing(resolve(source), split)
        known = {rows.places[row]: row for row in range(len(rows))}
        self._rows = [known.get(place, -1) for place in data.places]
        self._reading = Reading(rows, size, source, split)
        self._reading.part = None  # they were chosen before

    def batches(self, start: int, size: int) -> Iterator[torch.Tensor]:
        """From image `start` on, uint8 (n, 3, S, S) with n up to `size`, in order; decoded in threads meanwhile."""
        with refused_when_huge(), ThreadPoolExecutor(THREADS) as pool:
            groups = [range(i, min(i + size, len(self.data))) for i in range(start, len(self.data), size)]
            waiting = [pool.submit(self._read, row) for group in groups[:1] for row in group]
            for following in [*groups[1:], range(0)]:
                reading = [pool.submit(self._read, row) for row in following]
                yield torch.stack([future.result() for future in waiting])
                waiting = reading

    def _read(self, row: int) -> torch.Tensor:
        place = self.data.places[row]
        shrunk = None if self._rows[row] < 0 else self._reading.shrunk(self._rows[row], 3)
        if shrunk is None or shrunk.pixels is None:
            why = "it is gone" if shrunk is None else shrunk.error
            raise ValueError(f"data set {self.source!r}: expected {place} as it was read before, got: {why}")
        return shrunk.pixels
