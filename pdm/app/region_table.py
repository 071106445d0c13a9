"""Images of a map as a table: each with its class, place, nearest prototype, pixels and features."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import torch

from pdm.app.shown_set import ShownSet
from pdm.data.images import to_pil

FORMATS = ("csv", "parquet")
MOST = 5000  # images of one table: a file of some 10 MB, made in a second
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def region_table(shown_set: ShownSet, images: Sequence[int]) -> pa.Table:
    """A row for each of these rows of the map: `image` a PNG as data sets on the hub have it, `features` a list (D,).

    Raises ValueError for none, or for more than `MOST`.
    """
    studio, ids = shown_set.studio, list(images)
    if not 1 <= len(ids) <= MOST:
        raise ValueError(f"images: expected 1 to {MOST} for one file, got {len(ids)}; draw another lasso")
    xy, features = shown_set.map.xy[ids], studio.map.features[ids].float()
    nearest = [shown_set.nearest[i] for i in ids]
    labelled = [bool(studio.map.class_names) and int(label) >= 0 for label in studio.map.labels[ids]]
    return pa.table(
        {
            "row": pa.array(ids, pa.int32()),
            "class": pa.array([studio.class_of(i) if known else None for i, known in zip(ids, labelled, strict=True)]),
            "x": pa.array(xy[:, 0].float().numpy()),
            "y": pa.array(xy[:, 1].float().numpy()),
            "prototype": pa.array([int(k) for k in nearest], pa.int32()),
            "prototype_name": pa.array([shown_set.names[int(k)] for k in nearest]),
            "image": pa.array([{"bytes": _png(studio.map.images[i]), "path": None} for i in ids], IMAGE),
            "features": pa.FixedSizeListArray.from_arrays(pa.array(features.numpy().ravel()), features.shape[1]),
        }
    )


def table_bytes(table: pa.Table, kind: str) -> bytes:
    """The table as a file. In CSV pictures are PNGs in base64, and features are numbers with spaces between them.

    Raises ValueError for another `kind` than those of `FORMATS`.
    """
    buffer = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, buffer, compression="zstd")
        return buffer.getvalue()
    if kind != "csv":
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got another")
    pictures = [base64.b64encode(cell["bytes"]).decode() for cell in table["image"].to_pylist()]
    numbers = [" ".join(f"{v:.6g}" for v in row) for row in table["features"].to_pylist()]
    flat = table.set_column(table.column_names.index("image"), "image", pa.array(pictures, pa.string()))
    flat = flat.set_column(table.column_names.index("features"), "features", pa.array(numbers, pa.string()))
    csv.write_csv(flat, buffer)
    return buffer.getvalue()


def _png(image: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    to_pil(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
