"""Folders of pictures as people have them: walked once, with every class, and nothing left out without a word."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pdm.data.decode import SUFFIXES
from pdm.support.checks import reason

METADATA = ("metadata.csv", "metadata.jsonl")
# What systems leave in folders, besides all that begins with a dot.
NOT_OURS = {"__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"}

Parts = tuple[str, ...]


@dataclass
class Tree:
    """The files below a folder or in an archive. `others`: how many are no pictures, by suffix; `notes`: links that
    were not followed.
    """

    pictures: list[Parts] = field(default_factory=list)
    metadata: list[Parts] = field(default_factory=list)
    tables: list[Parts] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, parts: Parts) -> None:
        """Count a file by what its name says."""
        name, suffix = parts[-1].lower(), Path(parts[-1]).suffix.lower()
        if name in METADATA:
            self.metadata.append(parts)
        elif suffix in SUFFIXES:
            self.pictures.append(parts)
        elif suffix == ".parquet":
            self.tables.append(parts)
        else:
            self.others[suffix or "without a suffix"] += 1

    def all_notes(self) -> tuple[str, ...]:
        kinds = ", ".join(f"{n:,} {suffix}" for suffix, n in sorted(self.others.items()))
        return (*self.notes, *([f"other files: {kinds}"] if kinds else []))


def hidden(name: str) -> bool:
    """Whether a file or folder is a system's or a tool's own: no class, and no picture."""
    return name.startswith(".") or name.lower() in NOT_OURS


def walk(root: Path) -> Tree:
    """Everything below a folder, sorted by its path; a link to a folder is followed, but no folder is read twice.

    Raises ValueError for a folder that may not be read: nobody can tell how many pictures that would lose.
    """
    tree, seen = Tree(), set()
    pending: list[tuple[Path, Parts]] = [(root, ())]
    linked: list[tuple[Path, Parts]] = []  # after all that lies here itself
    while pending or linked:
        folder, parts = pending.pop() if pending else linked.pop(0)
        try:
            found = os.stat(folder)
            if (found.st_dev, found.st_ino) in seen:
                tree.notes.append(f"{'/'.join(parts)}: a link to a folder that is read already")
                continue
            seen.add((found.st_dev, found.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise ValueError(f"{folder}: expected a folder that can be read, got: {reason(error)}") from error
        for entry in entries:
            if hidden(entry.name):
                continue
            place = (*parts, entry.name)
            if entry.is_dir():
                (linked if entry.is_symlink() else pending).append((Path(entry.path), place))
            else:
                tree.add(place)
    for files in (tree.pictures, tree.metadata, tree.tables):
        files.sort()
    return tree


def classes_of(folders: Sequence[Parts]) -> tuple[list[int], tuple[str, ...]]:
    """The class of each picture by the folder it lies in, () for none: labels, -1 for none, and names.

    A class is called as its folder is; where two folders of that name lie in different ones, by the whole path.
    """
    different = {folder for folder in folders if folder}
    last = Counter(folder[-1] for folder in different)
    whole = any(n > 1 for n in last.values())
    said = {folder: "/".join(folder) if whole else folder[-1] for folder in different}
    names = sorted(said.values())
    numbers = {folder: names.index(name) for folder, name in said.items()}
    return [numbers.get(folder, -1) for folder in folders], tuple(names)


def inside(pictures: Sequence[Parts], top: Parts) -> Iterator[Parts]:
    """The pictures below a folder of the tree."""
    return (parts for parts in pictures if parts[: len(top)] == top)
