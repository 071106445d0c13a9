"""Where in a tree of files the pictures of a split lie. A folder called "train" is a class where its siblings are."""

from __future__ import annotations

from collections.abc import Sequence

from pdm.data.folders import Parts, inside
from pdm.data.splits import SPLIT_NAMES


def split_folders(pictures: Sequence[Parts]) -> tuple[Parts, dict[str, list[Parts]]]:
    """The folder that all lies in, and the folders of each split below it; none where there are no splits.

    Folders that hold nothing but one other are gone through, as in an archive of a folder.
    """
    top: Parts = ()
    while True:
        first = {parts[len(top)] for parts in pictures if len(parts) > len(top) + 1}
        loose = any(len(parts) == len(top) + 1 for parts in pictures)
        splits = _splits(pictures, top, first)
        only = next(iter(first), "")
        if splits or len(first) != 1 or loose or _holds_pictures(pictures, (*top, only)):
            return top, splits
        top = (*top, only)


def _splits(pictures: Sequence[Parts], top: Parts, folders: set[str]) -> dict[str, list[Parts]]:
    """Splits are all there is, or all that are called so hold classes and there is one to train on and one held out."""
    named = {folder for folder in folders if folder.lower() in SPLIT_NAMES}
    kinds = {SPLIT_NAMES[folder.lower()] for folder in named}
    if "train" not in kinds:
        return {}
    if named != folders and (len(kinds) < 2 or any(_holds_pictures(pictures, (*top, folder)) for folder in named)):
        return {}
    return {kind: [(*top, f) for f in sorted(named) if SPLIT_NAMES[f.lower()] == kind] for kind in kinds}


def _holds_pictures(pictures: Sequence[Parts], folder: Parts) -> bool:
    """Whether pictures lie in a folder itself, not in folders of it."""
    return any(len(parts) == len(folder) + 1 for parts in inside(pictures, folder))
