"""Which images a run began with, so that going on with others is noticed and they can be named."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from pdm.data.images import ImageData
from pdm.support.checks import reason
from pdm.support.files import read_json

FILE = "images.parquet"  # in a checkpoint: a row an image
NAMED = 5  # images that a message names of each kind


def record(data: ImageData, folder: Path, made: bytes | None = None) -> bytes:
    """Write down the place and the hash of each image; returns the bytes of the file, which may be given again."""
    found = _table(data) if made is None else made
    (Path(folder) / FILE).write_bytes(found)
    return found


def _table(data: ImageData) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"place": list(_places(data)), "hash": _hashes(data)}), file)
    return file.getvalue()


def changed(data: ImageData, folder: Path, card: Path) -> str | None:
    """What is different about the images, in words; None where they are those that were written down in a checkpoint.

    Of a run of an earlier version only its card is known. Raises ValueError for a damaged record.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        known = read_json(card).get("data_hash") if card.is_file() else None
        return "other images than its training card names" if known not in (None, data.hash()) else None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        places, hashes = table["place"].to_pylist(), table["hash"].to_numpy()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise ValueError(f"{path}: expected the images of the run, got: {reason(error)}") from error
    ours = _hashes(data)
    if len(ours) == len(hashes) and (ours == hashes).all():
        return None
    before, now = dict(zip(places, hashes.tolist(), strict=True)), dict(zip(_places(data), ours.tolist(), strict=True))
    kinds = {
        "changed": [p for p in now if p in before and now[p] != before[p]],
        "new": [p for p in now if p not in before],
        "gone": [p for p in before if p not in now],
    }
    return "; ".join(_said(kind, names) for kind, names in kinds.items() if names) or "another order of the images"


def _said(kind: str, names: list[str]) -> str:
    more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{len(names):,} {kind} ({', '.join(names[:NAMED])}{more})"


def _places(data: ImageData) -> tuple[str, ...]:
    return data.places or tuple(f"row {row}" for row in range(len(data)))


def _hashes(data: ImageData) -> np.ndarray:
    """64 bits of each image and its label."""
    labels = data.labels.cpu().numpy()
    rows = data.images.cpu().numpy()
    digests = (hashlib.sha256(x.tobytes() + y.tobytes()).digest() for x, y in zip(rows, labels, strict=True))
    return np.array([int.from_bytes(digest[:8], "big", signed=True) for digest in digests], np.int64)
