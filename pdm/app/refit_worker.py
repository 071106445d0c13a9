"""What `pdm.app.refit` runs beside the app: python -m pdm.app.refit_worker FOLDER, from start.npz there to xy.npy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from pdm.map.layout import lay_out_again
from pdm.support.files import atomic_file


def report(what: str, n: int, total: int) -> None:
    print(what, n, total, flush=True)  # fails once nobody listens, and so ends a process that was left behind


def main(folder: Path) -> None:
    if hasattr(os, "nice"):
        os.nice(10)  # painting goes first
    with np.load(folder / "start.npz", allow_pickle=False) as start:
        xy = lay_out_again(start["features"], start["xy"], report)
    with atomic_file(folder / "xy.npy") as part:
        np.save(part, xy)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
