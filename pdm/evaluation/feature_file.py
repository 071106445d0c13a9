"""Samples' features as one Parquet file: a row an image, with the variant and the seed that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from pdm.support.files import atomic_file

COLUMNS = ("variant", "index", "seed", "feature")


def write_features(path: Path, features: Mapping[str, torch.Tensor], seed: int) -> None:
    """Features (N, D), float32, of each variant; image i has seed `seed` + i."""
    tables = []
    for name, values in features.items():
        flat = pa.array(values.float().flatten().numpy())
        columns = (
            pa.array([name] * len(values)),
            pa.array(range(len(values)), pa.int32()),
            pa.array(range(seed, seed + len(values)), pa.int64()),
            pa.FixedSizeListArray.from_arrays(flat, values.shape[1]),
        )
        tables.append(pa.table(dict(zip(COLUMNS, columns, strict=True))))
    with atomic_file(path) as part:
        pq.write_table(pa.concat_tables(tables), part, compression="zstd")
