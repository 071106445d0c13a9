"""Read what `write_features` wrote."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from pdm.evaluation.feature_file import COLUMNS


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
