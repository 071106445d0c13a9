"""Pictures in tables: Parquet files, folders in the hub's layout, hub ids, and what `save_to_disk` wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pdm.data.known import readable
from pdm.data.listing import LABEL_COLUMNS, Listing, numbered, wrong
from pdm.data.splits import FEW, Content, HoldOut, by_split, chosen_split, content
from pdm.support.hub import quiet_hub

SAVED = ("dataset_info.json", "state.json")  # of a split that `save_to_disk` wrote
SAVED_SPLITS = "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether `datasets` wrote this folder with `save_to_disk`."""
    return (folder / SAVED_SPLITS).is_file() or all((folder / name).is_file() for name in SAVED)


def has_pictures(parquet: Path) -> bool:
    """Whether a Parquet file has a column that can hold pictures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        kinds = [(field.name.lower(), field.type) for field in pq.read_schema(parquet)]
    except (OSError, pa.ArrowException):
        return True  # damaged: to be said when it is read
    return any(
        pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 or (_is_binary(kind) and name in PICTURES)
        for name, kind in kinds
    )


PICTURES = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "pixel_values", "bytes")


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def table_listing(source: str, split: str) -> Listing:
    """The pictures of a split. Raises ValueError, in one line, for what is not there or is no table of pictures."""
    table, divided = _opened(source, split, streaming=False)
    key = _picture_column(source, table.features)
    labels, names = _labels(source, table)
    rows = _undecoded(table, key)
    name = Path(source).name.removesuffix(".parquet")
    places = _Numbered(len(rows))
    return Listing(name, lambda row: content_of(rows[row][key]), places, labels, names, split if divided else None)


class _Numbered(Sequence[str]):
    """How rows of a table are named, without a million names in memory."""

    def __init__(self, rows: int):
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: Any) -> Any:
        return f"row {row}"


def streamed(source: str, split: str, start: int = 0) -> Iterator[tuple[str, Content | None]]:
    """Name and content of each picture of a split from row `start` on, without keeping any; None where one has none."""
    try:
        table, divided = _opened(source, split, streaming=True)
        key = _picture_column(source, table.features or {})
        rows = _undecoded(table, key)
        if not divided:
            yield from ((f"row {n}", _content(row[key])) for n, row in enumerate(rows.skip(start), start))
            return
        count = rows_of(source)
        few = [_content(row[key]) or b"" for row in rows] if count is not None and count < FEW else []
        part = HoldOut(split, count, few.__getitem__)
        found = ((f"row {n}", _content(row[key])) for n, row in enumerate(rows))
        yield from islice((row for row in found if part.keeps(row[1] or b"")), start, None)
    except Exception as error:  # datasets raises a dozen unrelated types for "not there"
        if isinstance(error, ValueError) and source in str(error):
            raise
        raise wrong(source, split, error) from error


def content_of(value: Any) -> Content:
    """The bytes of a picture in a table: bytes, {bytes, path}, or a path alone. Raises ValueError for none."""
    if isinstance(value, Mapping):
        if value.get("bytes") is None and value.get("path"):
            return content(Path(value["path"]))
        value = value.get("bytes")
    if not isinstance(value, (bytes, bytearray)):
        raise ValueError("expected the bytes of a picture, got none")
    return bytes(value)


def _content(value: Any) -> Content | None:
    try:
        return content_of(value)
    except (OSError, ValueError):
        return None


def _opened(source: str, split: str, *, streaming: bool) -> tuple[Any, bool]:
    """The table of a split, and whether it is a share of one that has no others."""
    import datasets

    try:
        with quiet_hub():
            path = Path(source)
            if path.is_dir() and is_saved(path):
                found = datasets.load_from_disk(source)
            elif source.endswith(".parquet"):  # one file has no splits, and `datasets` calls what it has "train"
                found = datasets.load_dataset("parquet", data_files=source, streaming=streaming)
            else:
                found = datasets.load_dataset(source, streaming=streaming)
        tables = found if isinstance(found, dict) else {"train": found}
        names = by_split([str(name) for name in tables])
        chosen, divided = chosen_split(names, split)
        return tables[names[chosen]], divided
    except Exception as error:  # as above
        raise wrong(source, split, error) from error


def _undecoded(table: Any, key: str) -> Any:
    """The column of pictures as bytes: what decodes them is the same for every source."""
    import datasets

    table = table.select_columns([key])
    if isinstance((table.features or {}).get(key), datasets.Image):
        table = table.cast_column(key, datasets.Image(decode=False))
    return table


def _picture_column(source: str, features: Mapping[str, Any]) -> str:
    import datasets

    for name, kind in features.items():
        if isinstance(kind, datasets.Image):
            return name
    for name, kind in features.items():
        if isinstance(kind, Mapping) and "bytes" in kind:
            return name
    binary = [name for name, kind in features.items() if getattr(kind, "dtype", "") in ("binary", "large_binary")]
    if binary:
        return next((name for name in binary if name.lower() in PICTURES), binary[0])
    raise ValueError(f"data set {source!r}: expected a column of images, got {list(features)}")


def _labels(source: str, table: Any) -> tuple[list[int], tuple[str, ...]]:
    import datasets

    features = table.features
    for name, kind in features.items():
        if isinstance(kind, datasets.ClassLabel):
            labels = [-1 if v is None else int(v) for v in table[name]]
            return labels, tuple(map(readable, kind.names))
    there = {name.lower(): name for name in features}
    key = next((there[name] for name in LABEL_COLUMNS if name in there), None)
    if key is None:
        return [-1] * len(table), ()
    try:
        return numbered(list(table[key]))
    except ValueError as error:
        raise ValueError(f"data set {source!r}, column {key!r}: {error}") from error


def rows_of(source: str) -> int | None:
    """How many rows local Parquet files have; None where that is not known."""
    import pyarrow.parquet as pq

    path = Path(source)
    files: Iterable[Path] = [path] if path.is_file() else sorted(path.rglob("*.parquet")) if path.is_dir() else []
    counts = [pq.ParquetFile(file).metadata.num_rows for file in files]
    return sum(counts) if counts else None
