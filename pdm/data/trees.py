"""Folders and zip files of pictures as listings: which pictures a split has, in which order, and of which class."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from pdm.data.decode import LARGEST_FILE
from pdm.data.folders import Parts, Tree, classes_of, hidden, inside, walk
from pdm.data.layout import split_folders
from pdm.data.listing import Listing
from pdm.data.metadata import labels_of
from pdm.data.splits import Content, chosen_split, content
from pdm.support.checks import reason

MAX_TEXT = 500_000_000  # bytes of a file of labels


def folder_listing(folder: Path, split: str, tree: Tree | None = None) -> Listing:
    """The pictures of a split in a folder. Raises ValueError where there are none, or no such split."""

    def read(parts: Parts) -> Content:
        return content(folder.joinpath(*parts))

    def where(parts: Parts) -> str:
        return str(folder.joinpath(*parts))

    return _listing(tree or walk(folder), folder.absolute().name, f"folder {folder}", split, read, where)


def zip_listing(path: Path, split: str) -> Listing:
    """The same of a zip file, which is not unpacked. Raises ValueError for one that is none."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected a zip file, got: {reason(error)}") from error
    members: dict[Parts, zipfile.ZipInfo] = {}
    tree = Tree()
    for info in archive.infolist():
        parts = tuple(part for part in info.filename.replace("\\", "/").split("/") if part)
        if not info.is_dir() and parts and not any(map(hidden, parts)):
            members[parts] = info
            tree.add(parts)
    for files in (tree.pictures, tree.metadata):
        files.sort()

    def read(parts: Parts) -> bytes:
        if members[parts].file_size > LARGEST_FILE:
            raise ValueError(f"expected at most {LARGEST_FILE} bytes, got {members[parts].file_size}")
        return archive.read(members[parts])

    return _listing(tree, path.stem, f"zip file {path}", split, read, lambda parts: f"{path}/{'/'.join(parts)}")


def _listing(
    tree: Tree,
    name: str,
    said: str,
    split: str,
    read: Callable[[Parts], Content],
    where: Callable[[Parts], str],
) -> Listing:
    top, splits = split_folders(tree.pictures)
    chosen, divided = chosen_split(splits or ("train",), split)
    folders = [folder for kind in splits.values() for folder in kind] or [top]
    everything = [(folder, parts) for folder in folders for parts in inside(tree.pictures, folder)]
    labels, names = classes_of([parts[len(folder) : -1] for folder, parts in everything])
    notes = list(tree.all_notes())
    if beside := len(tree.pictures) - len(everything):
        notes.append(f"{beside:,} pictures beside the splits")
    labelled = labels_of([parts for _, parts in everything], tree.metadata, lambda parts: _text(read(parts)))
    if labelled is not None:
        labels, names, more = labelled
        notes += more
    wanted = splits.get(chosen, [top])
    rows = sorted((p, label) for (folder, p), label in zip(everything, labels, strict=True) if folder in wanted)
    random.Random(0).shuffle(rows)  # by name they would be sorted by class, and "the first N" a single one
    if len(rows) < 2:
        kinds = f"; {'; '.join(notes)}" if notes else ""
        raise ValueError(
            f"{said}{kinds}: expected at least 2 images (png, jpg, webp, gif, tiff, avif, ...), got {len(rows)}"
        )
    places = [parts for parts, _ in rows]

    return Listing(
        name,
        lambda row: read(places[row]),
        [where(parts) for parts in places],
        [label for _, label in rows],
        names,
        split if divided else None,
        tuple(notes),
    )


def _text(data: Content) -> str:
    raw = data if isinstance(data, bytes) else data.read_bytes() if data.stat().st_size < MAX_TEXT else b""
    return raw.decode("utf-8")
