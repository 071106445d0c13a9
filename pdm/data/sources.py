"""What a data set's name stands for: the one answer for every command, for the app and for the library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pdm.data.folders import Tree, walk
from pdm.data.known import HUB_IDS, NAMES, SHIPPED_SETS, shipped_set
from pdm.data.listing import Listing
from pdm.data.splits import HoldOut
from pdm.data.tables import has_pictures, is_saved, table_listing
from pdm.data.trees import folder_listing, zip_listing
from pdm.support.files import check_regular

EXPECTED = (
    f"a short name ({NAMES}), a hub id, class folders or a zip file of images, a Parquet file or a folder of them, "
    "or what save_to_disk wrote"
)


@dataclass(frozen=True)
class Source:
    """`kind`: "folder", "zip" or "table"; `place`: its path or hub id; `name`: what cards call it, if not that.

    `tree`: what lies in a folder, where it had to be walked to know its kind.
    """

    kind: str
    place: str
    name: str | None = None
    tree: Tree | None = None


def resolve(source: str) -> Source:
    """What is meant by a short name, a path or a hub id. Raises ValueError for a file of another kind."""
    if source in HUB_IDS:
        return Source("table", HUB_IDS[source], source)
    if source in SHIPPED_SETS:
        return Source("table", str(shipped_set(source)), source)
    path = Path(source).expanduser()
    if path.is_dir():
        if is_saved(path):
            return Source("table", str(path))
        tree = walk(path)
        for parts in tree.tables:
            check_regular(path.joinpath(*parts))  # what reads tables would wait at a pipe for ever
        if tree.tables and (not tree.pictures or any(has_pictures(path.joinpath(*t)) for t in tree.tables[:3])):
            return Source("table", str(path))
        return Source("folder", str(path), tree=tree)
    if path.suffix.lower() == ".zip" and path.exists():
        return Source("zip", str(path))
    if path.exists() and path.suffix.lower() != ".parquet":
        raise ValueError(f"data set {source!r}: expected {EXPECTED}, got another kind of file")
    return Source("table", str(path) if path.exists() else source)


def is_name(source: str) -> bool:
    """Whether this may be a short name or a hub id, and is no path."""
    return source in HUB_IDS or source in SHIPPED_SETS or re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", source) is not None


def listing(source: str | Source, split: str) -> Listing:
    """The pictures of a split of a source, not read yet. Raises ValueError where there are none."""
    found = resolve(source) if isinstance(source, str) else source
    if found.kind == "table":
        return table_listing(found.place, split)
    try:
        if found.kind == "zip":
            return zip_listing(Path(found.place), split)
        return folder_listing(Path(found.place), split, found.tree)
    except ValueError as error:
        if found.place in str(error):
            raise
        raise ValueError(f"data set {found.place!r}, split {split!r}: {error}") from error


def hold_out(rows: Listing, source: str, split: str) -> HoldOut | None:
    """`Listing.hold_out`, whose error names the source."""
    try:
        return rows.hold_out()
    except ValueError as error:
        raise ValueError(f"data set {source!r}, split {split!r}: {error}") from error
