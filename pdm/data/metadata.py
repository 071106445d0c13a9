"""Labels from `metadata.csv` or `metadata.jsonl` beside pictures, as the hub's image folders have them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence

from pdm.data.folders import Parts
from pdm.data.listing import LABEL_COLUMNS, numbered
from pdm.support.checks import reason

Text = Callable[[Parts], str]  # what a file of the tree holds


def labels_of(
    pictures: Sequence[Parts], files: Sequence[Parts], text: Text
) -> tuple[list[int], tuple[str, ...], tuple[str, ...]] | None:
    """Labels and class names of pictures, and notes, from these files; None where no file has a column of labels.

    Raises ValueError for a damaged file.
    """
    values: dict[Parts, object] = {}
    labelled = False
    for place in files:
        rows = _rows(place, text)
        column = _column(rows)
        labelled |= column is not None
        for row in rows if column else ():
            name = str(row.get("file_name") or "").replace("\\", "/")
            path = tuple(part for part in name.split("/") if part not in ("", "."))
            values[(*place[:-1], *path)] = row.get(column)
    if not labelled:
        return None
    labels, names = numbered([values.get(parts) for parts in pictures])
    missing = len(set(values) - set(pictures))
    unnamed = sum(parts not in values for parts in pictures)
    notes = [f"{missing:,} pictures of the metadata are not there"] if missing else []
    notes += [f"{unnamed:,} pictures are not in the metadata"] if unnamed else []
    return labels, names, tuple(notes)


def _column(rows: Sequence[dict]) -> str | None:
    """The column of labels, whatever its case."""
    there = {str(name).lower(): name for row in rows[:1] for name in row}
    return next((there[name] for name in LABEL_COLUMNS if name in there), None) if "file_name" in there else None


def _rows(place: Parts, text: Text) -> list[dict]:
    where = "/".join(place)
    try:
        lines = text(place).removeprefix("\ufeff").splitlines()
        if place[-1].lower().endswith(".csv"):
            return list(csv.DictReader(lines))
        rows = [json.loads(line) for line in lines if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("a line that is no object")
        return rows
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise ValueError(f"{where}: expected the labels of pictures, got: {reason(error)}") from error
