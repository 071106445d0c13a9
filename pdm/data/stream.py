"""Data sets picture by picture, for those that do not fit into memory; the order is that of `pdm.data.load.load`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import torch
from PIL import Image

from pdm.data.decode import open_picture
from pdm.data.found import NAMED
from pdm.data.images import from_pil, to_pil
from pdm.data.known import FASHION_MNIST
from pdm.data.load import TOLERATED, load
from pdm.data.sources import hold_out, listing, resolve
from pdm.data.splits import Content
from pdm.data.tables import rows_of, streamed
from pdm.support.checks import reason

UNKNOWN = 1000  # pictures that a source is taken to have until more were seen


@dataclass
class Skipped:
    """Rows of a stream that could not be read; a stream that goes on later has to know those before its start."""

    rows: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def row_of(self, picture: int) -> int:
        """The row from which `picture` readable ones are behind."""
        row = picture
        for skipped in sorted(self.rows):
            row += skipped < row or skipped == row
        return row

    def add(self, row: int, said: str) -> None:
        if row not in self.rows:
            self.rows.append(row)
            self.said = [*self.said, said][:NAMED]


def pictures(
    source: str, start: int = 0, split: str = "train", size: int = 32, skipped: Skipped | None = None
) -> Iterator[Image.Image]:
    """The pictures of a data set (see `pdm.data.load.load`) after the first `start`, decoded one by one.

    "fashion-mnist" is small and read whole, at `size`. What cannot be read is left out and noted in `skipped`. Raises
    ValueError for a source that is not there or cannot be reached, and where one picture in a hundred is unreadable.
    """
    if source == FASHION_MNIST:
        yield from map(to_pil, load(source, split, size).images[start:])
        return
    skipped = Skipped() if skipped is None else skipped
    first = skipped.row_of(start)
    known, found = _contents(source, split, first)
    for row, (where, data) in enumerate(found, first):
        try:
            if data is None or isinstance(data, ValueError):
                raise data or ValueError(f"{where}: expected the bytes of a picture, got none")
            yield open_picture(data, where, size)
        except ValueError as error:
            skipped.add(row, reason(error))
            if len(skipped.rows) > TOLERATED * (known or max(row, UNKNOWN)):
                raise ValueError(
                    f"data set {source!r}, split {split!r}: expected images of a hub id, a folder or a file, at most "
                    f"1 in 100 of them unreadable, got {len(skipped.rows)}: {'; '.join(skipped.said)}"
                ) from error


def _contents(
    source: str, split: str, first: int
) -> tuple[int | None, Iterator[tuple[str, Content | ValueError | None]]]:
    """How many pictures there are, if that is known, and each one's name and content from a row on."""
    found = resolve(source)
    if found.kind == "table":
        return rows_of(found.place), streamed(found.place, split, first)
    rows = listing(found, split)
    part = hold_out(rows, source, split)

    def contents(start: int) -> Iterator[tuple[str, Content | ValueError | None]]:
        for row in range(start, len(rows)):
            where = rows.places[row]
            try:
                data = rows.read(row)
            except Exception as error:  # readers of archives raise anything
                yield where, ValueError(f"{where}: expected an image, got {reason(error)}")
                continue
            if part is None or part.keeps(data):
                yield where, data

    return len(rows), contents(first) if part is None else islice(contents(0), first, None)


def batches(found: Iterable[Image.Image], size: int, channels: int, rows: int) -> Iterator[torch.Tensor]:
    """Pictures as uint8 (n, C, size, size), `rows` at a time."""
    found = iter(found)
    while part := [from_pil(picture, size, channels) for picture in islice(found, rows)]:
        yield torch.stack(part)
