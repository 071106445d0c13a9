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


def read_features(path: Path) -> dict[str, torch.Tensor]:
    """What `write_features` wrote, as features (N, D) a variant; raises ValueError for another file."""
    try:
        table = pq.read_table(path)
        if table.column_names != list(COLUMNS):
            raise ValueError(f"columns {', '.join(table.column_names)}")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"{path}: expected features of samples (Parquet), got: {error}") from error
    names = table.column("variant").to_pylist()
    values = table.column("feature").combine_chunks()
    rows = torch.from_numpy(values.flatten().to_numpy().copy()).view(len(names), -1)
    found = dict.fromkeys(names)
    return {name: rows[torch.tensor([n == name for n in names])] for name in found}
