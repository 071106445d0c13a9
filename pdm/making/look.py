"""The images that a model is to be made of, looked at: how many, how large, of which kind, and what they allow."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

import torch

from pdm.data.decode import decoded, refused_when_huge
from pdm.data.images import ImageData
from pdm.data.known import FASHION_MNIST
from pdm.data.listing import Listing
from pdm.data.load import load
from pdm.data.sources import listing
from pdm.data.symmetry import symmetry_of
from pdm.data.tiles import tiled
from pdm.making.names import FOUND_FILE, SHEET_FILE
from pdm.support.files import atomic_file, write_json

FEWEST = 20  # images of which anything can be learned
SMALL, LARGE = 32, 64  # sides of what is painted in pixels; of larger ones prototypes look at pictures of 64
LARGE_FROM = 48  # pixels of the shorter side of most pictures, from which 64 of them say more than 32
PEEKED = 32  # pictures whose size is looked at before all are read
SHEET, COLUMNS = 48, 12  # images on a sheet to look at, and in one of its rows


@dataclass(frozen=True)
class Look:
    """What was found. `images` to train on, `held_out` to measure against.

    `size` is the side that will be painted, `seen` that of the images as they are kept.
    `symmetry`: "none", "flip" or "d4", as their mean tells. `labelled`: each has one of at least two classes.
    """

    data_set: str
    data_hash: str
    images: int
    held_out: int
    size: int
    channels: int
    labelled: bool
    symmetry: str

    @property
    def seen(self) -> int:
        return min(self.size, LARGE)


def look(source: str, size: int | None, limit: int | None, colour: str) -> tuple[Look, ImageData]:
    """Read the images to train on. `size`: their side, or None for what suits the pictures.

    Raises ValueError for a source that `load` refuses, and for fewer images than anything can be learned from.
    """
    size = size or _suitable_size(source)
    data = load(source, size=min(size, LARGE), limit=limit, colour=colour)
    found = data.found
    held_out = found.held_out if found is not None else 0
    if len(data) + held_out < FEWEST:
        raise ValueError(
            f"data set {source!r}: expected at least {FEWEST} images to make a model of, got {len(data) + held_out}"
        )
    return (
        Look(
            data_set=data.name,
            data_hash=data.hash(),
            images=len(data),
            held_out=held_out,
            size=size,
            channels=data.images.shape[1],
            labelled=len(data.class_names) > 1 and bool((data.labels >= 0).all()),
            symmetry=symmetry_of(data),
        ),
        data,
    )


def save_found(data: ImageData, lines: list[str], folder: Path) -> None:
    """What was found, for a page: a sheet of images from all over the set, words about it, and a plan's lines."""
    rows = torch.linspace(0, len(data) - 1, min(SHEET, len(data))).round().long()
    with atomic_file(folder / SHEET_FILE) as part:
        tiled(data.images[rows], COLUMNS).save(part)
    found = "" if data.found is None else data.found.line()
    write_json(folder / FOUND_FILE, {"found": found, "plan": lines})


def _suitable_size(source: str) -> int:
    """The side that the pictures of a source are brought to."""
    if source == FASHION_MNIST:  # it may be an installed package that is no listing
        return SMALL
    return LARGE if _shorter_side(listing(source, "train")) >= LARGE_FROM else SMALL


def _shorter_side(rows: Listing) -> float:
    """The shorter side of most pictures, of a few that are looked at; 0 where none can be read, which `load` says."""
    sides = []
    with refused_when_huge():
        for row in range(0, len(rows), max(1, len(rows) // PEEKED)):
            try:
                sides.append(min(decoded(rows.read(row), rows.places[row], SMALL)[1]))
            except Exception:  # readers of archives, tables and pictures raise anything
                continue
    return statistics.median(sides) if sides else 0
