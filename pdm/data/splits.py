"""Which images are held out: a split of that name, or a fixed share by what is in the files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path

from pdm.support.files import check_regular

SPLITS = {  # how folders, files and data sets call them
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing", "eval"),
}
SPLIT_NAMES = {name: split for split, names in SPLITS.items() for name in names}
SHARE = 0.1  # of a source without a split to measure against
FEWEST = 20  # different images of a source of which some are held out
FEW = 200  # below so many, chance might hold out none: then at least the two lowest hashes are
SMALL_FILE = 64_000_000  # bytes that are read at once

Content = Path | bytes


def by_split(names: Collection[str]) -> dict[str, str]:
    """The names of splits by what they are: {"validation": "val"}."""
    return {SPLIT_NAMES.get(name.lower(), name): name for name in names}


def chosen_split(there: Collection[str], split: str) -> tuple[str, bool]:
    """Which of the splits that are there is meant, and whether a share of its images is held out.

    "validation" counts as held out where there is no "test". Raises ValueError for a split that is not there.
    """
    held = [name for name in ("test", "validation") if name in there]
    whole = "train" if "train" in there else next(iter(there)) if len(there) == 1 else None
    if split in there:
        return split, split == whole and not held
    if split == "test" and held:
        return held[0], False
    if split in ("train", "test") and whole is not None and not held:
        return whole, True
    raise ValueError(f"expected one of {', '.join(sorted(there)) or 'train, test'}, got no {split}")


def content(path: Path) -> Content:
    """A file's bytes, or the path itself for one that is too large to be held in memory beside others."""
    check_regular(path)
    return path.read_bytes() if path.stat().st_size <= SMALL_FILE else path


def hash_of(data: Content) -> int:
    """64 bits of the sha256 of a file."""
    digest = hashlib.sha256()
    if isinstance(data, bytes):
        digest.update(data)
    else:
        with open(data, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return int.from_bytes(digest.digest()[:8], "big")


class HoldOut:
    """Divides a source that has no splits: what is in a file decides, so a picture and its copies stay on one side.

    `count`: how many pictures there are, where it is known; `read` gives the content of each.
    """

    def __init__(self, split: str, count: int | None, read: Callable[[int], Content]):
        self.split = split
        self.hashes: set[int] | None = None
        if count is not None and count < FEW:
            found = sorted(set(_readable_hashes(count, read)))
            if len(found) < FEWEST and split != "train":
                raise ValueError(
                    f"expected a split of that name, or {FEWEST} different images to hold some out of, got {len(found)}"
                )
            self.hashes = set(found[: max(2, sum(map(_held, found)))] if len(found) >= FEWEST else ())

    def keeps(self, data: Content) -> bool:
        """Whether a picture belongs to the part that is wanted."""
        if self.hashes is not None and not self.hashes:  # too few to divide
            return True
        found = hash_of(data)
        held = _held(found) if self.hashes is None else found in self.hashes
        return held == (self.split != "train")


def _held(found: int) -> bool:
    return found < SHARE * 2**64


def _readable_hashes(count: int, read: Callable[[int], Content]) -> list[int]:
    hashes = []
    for row in range(count):
        try:
            hashes.append(hash_of(read(row)))
        except (OSError, ValueError):  # it is named when the pictures are decoded
            continue
    return hashes
