"""A data set read: decoded by several threads, in order, with what was found on the way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from pdm.data import images as pixels
from pdm.data.decode import decoded, refused_when_huge
from pdm.data.fashion_mnist import CLASSES, fashion_mnist
from pdm.data.found import NAMED, Found
from pdm.data.images import ImageData
from pdm.data.known import FASHION_MNIST
from pdm.data.listing import Listing
from pdm.data.room import room
from pdm.data.sources import hold_out, listing, resolve
from pdm.support.checks import one_of, reason

COLOURS = {"auto": None, "grey": 1, "colour": 3}  # channels
TOLERATED = 0.01  # share of a source's pictures that may be unreadable
THREADS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def load(
    source: str, split: str = "train", size: int = 32, limit: int | None = None, colour: str = "auto"
) -> ImageData:
    """Read `source`: see `pdm.data.sources.EXPECTED`; `size` x `size` images, the first `limit` of them.

    A source without a split to measure against gives a tenth of its images for "test", by what is in the files, and
    the rest for "train". `colour`: "grey" or "colour", or what most pictures are ("auto"). Raises ValueError when the
    source does not exist, cannot be reached, holds fewer than two images, or more than one in a hundred is unreadable.
    """
    one_of("colour", colour, COLOURS)
    data = _fashion_mnist(split, size, limit) if source == FASHION_MNIST else None
    if data is None:
        found = resolve(source)
        rows = listing(found, split)
        data = Reading(rows, size, source, split).read(limit, COLOURS[colour])
        if found.name is not None:
            data = replace(data, name=found.name)
    if source == FASHION_MNIST:
        data = replace(data, class_names=CLASSES)
    if len(data) < 2:
        raise ValueError(f"data set {source!r}: expected at least 2 images, got {len(data)}")
    return data


def _fashion_mnist(split: str, size: int, limit: int | None) -> ImageData | None:
    """The installed package's; None where there is none."""
    data = fashion_mnist(split)
    if data is None:
        return None
    if size != 32:
        data = replace(data, images=F.interpolate(data.images.float(), size=size, mode="area").to(torch.uint8))
    data = data.subset(slice(limit)) if limit else data
    found = Found(smallest=(28, 28), largest=(28, 28))
    found.count(data.labels.tolist(), data.class_names)
    return replace(data, found=found)


@dataclass(frozen=True)
class Shrunk:
    """A picture made small, (C, size, size); or why it could not be read; or neither, where it is of another part."""

    pixels: torch.Tensor | None = None
    grey: bool = True
    size: tuple[int, int] = (0, 0)
    error: str | None = None


class Reading:
    """Reads the pictures of a listing, some at a time: at most as many as there are threads are whole in memory."""

    def __init__(self, rows: Listing, size: int, source: str, split: str):
        self.rows, self.size, self.said = rows, size, f"data set {source!r}, split {split!r}"
        self.part = hold_out(rows, source, split)
        self.found = Found(notes=list(rows.notes), part=rows.divided)
        self.kept: list[int] = []  # the rows that became images
        self.coloured: list[bool] = []

    def read(self, limit: int | None, channels: int | None) -> ImageData:
        """The first `limit` images, in as many channels, or in one where most are grey. Raises ValueError."""
        most = min(limit or len(self.rows), len(self.rows))
        images = room((most, channels or 1, self.size, self.size))
        with refused_when_huge(), ThreadPoolExecutor(THREADS) as pool:
            for row, shrunk in self._in_order(pool, most, channels):
                if shrunk.error is not None:
                    self._skip(shrunk.error)
                if shrunk.pixels is None:
                    self.found.held_out += shrunk.error is None
                    continue
                if len(shrunk.pixels) > images.shape[1]:
                    images = _in_colour(images, len(self.kept))  # the first of them: those before it were grey
                images[len(self.kept)] = shrunk.pixels
                self.kept.append(row)
                self.coloured.append(not shrunk.grey)
                self.found.see(shrunk.size, self.size)
            self._check_skipped()
            images = images[: len(self.kept)]
            if channels is None and images.shape[1] == 3 and 2 * sum(self.coloured) < len(self.kept):
                images = self._in_grey(images, pool)
        return self._data(images)

    def _in_order(self, pool: ThreadPoolExecutor, most: int, channels: int | None) -> Iterator[tuple[int, Shrunk]]:
        """What became of each row, in order; no more are begun than are still wanted."""
        waiting: deque[tuple[int, Future[Shrunk]]] = deque()
        following = iter(range(len(self.rows)))
        while True:
            while len(waiting) < min(2 * THREADS, most - len(self.kept)):
                row = next(following, None)
                if row is None:
                    break
                waiting.append((row, pool.submit(self.shrunk, row, channels)))
            if not waiting:
                return
            row, future = waiting.popleft()
            yield row, future.result()

    def shrunk(self, row: int, channels: int | None) -> Shrunk:
        """One row read, decoded and made small, in a thread."""
        where = self.rows.places[row]
        try:
            data = self.rows.read(row)
            if self.part is not None and not self.part.keeps(data):
                return Shrunk()
            picture, whole = decoded(data, where, self.size)
            grey = pixels.is_grey(picture)
            return Shrunk(pixels.from_pil(picture, self.size, channels or (1 if grey else 3)), grey, whole)
        except Exception as error:  # readers of archives, tables and pictures raise anything
            said = reason(error)
            return Shrunk(error=said if said.startswith(where) else f"{where}: expected an image, got {said}")

    def _skip(self, error: str) -> None:
        """Count what could not be read; raises ValueError as soon as it is too much and ten are known."""
        self.found.skip(error)
        if self.found.skipped >= NAMED:
            self._check_skipped()

    def _check_skipped(self) -> None:
        if self.found.skipped > TOLERATED * len(self.rows):
            if self.found.skipped == 1 and self.rows.of_files:
                raise ValueError(self.found.skipped_first[0])
            raise ValueError(
                f"{self.said}: expected images, at most 1 in 100 of them unreadable, got {self.found.skipped} of "
                f"{len(self.rows)} that are: {'; '.join(self.found.skipped_first)}"
            )

    def _in_grey(self, images: torch.Tensor, pool: ThreadPoolExecutor) -> torch.Tensor:
        """The images of a set in which few are in colour: those are read again, in grey."""
        images = room((len(images), 1, *images.shape[2:])).copy_(images[:, :1])
        rows = [i for i, coloured in enumerate(self.coloured) if coloured]
        self.part = None  # they were chosen before
        for i, shrunk in zip(rows, pool.map(lambda i: self.shrunk(self.kept[i], 1), rows), strict=True):
            if shrunk.pixels is None:
                raise ValueError(f"{self.said}: expected files that stay as they are while they are read")
            images[i] = shrunk.pixels
        return images

    def _data(self, images: torch.Tensor) -> ImageData:
        labels = [self.rows.labels[row] for row in self.kept]
        found, colours = self.found, sum(self.coloured)
        found.colour = images.shape[1] == 3
        found.odd = len(labels) - colours if found.colour else colours
        found.count(labels, self.rows.class_names)
        places = tuple(self.rows.places[row] for row in self.kept)
        return ImageData(
            self.rows.name, images, torch.tensor(labels, dtype=torch.long), self.rows.class_names, places, found
        )


def _in_colour(images: torch.Tensor, there: int) -> torch.Tensor:
    """Room for as many images in colour, the first ones in it; pages of memory that nothing is in are not touched."""
    coloured = room((len(images), 3, *images.shape[2:]))
    coloured[:there] = images[:there]
    return coloured
