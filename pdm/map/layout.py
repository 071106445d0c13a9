"""UMAP lays features out on a plane, for the first time or again from the places they have. Arrays in, arrays out."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np

from pdm.support.files import CACHE_FOLDER
from pdm.support.machine import writable

Report = Callable[[str, int, int], None]  # what, how many of how many

NEIGHBOURS = 20
MIN_DIST = 0.15
EPOCHS = 200  # of a layout that starts from another: it has less far to go
BULK = 0.98
FAR = 0.25
SEARCHED = 2000  # rows searched between two reports


def lay_out(features: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Places (N, 2) of features (N, D): a plane of about +-10, whatever UMAP's scale."""
    return _normalised(_umap(seed, min(NEIGHBOURS, len(features) - 1)).fit_transform(features))


def lay_out_again(features: np.ndarray, start: np.ndarray, report: Report, *, seed: int = 0) -> np.ndarray:
    """The same, started from the places (N, 2) that the features have now: the new map resembles the old one."""
    report("starting UMAP", 0, 1)
    _package()  # with numba it takes over ten seconds, so it is imported before the next report

    k = min(NEIGHBOURS, len(features) - 1)
    layout = _umap(
        seed,
        k,
        init=start,
        n_epochs=EPOCHS,
        precomputed_knn=nearest(features, k, report),
        tqdm_kwds={"disable": False, "bar_format": "{n}/{total}", "mininterval": 0.2, "file": _Epochs(report)},
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn")  # that nothing can be added by `transform`
        return _normalised(layout.fit_transform(features))


def nearest(features: np.ndarray, k: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """The exact k nearest rows of each row, the row itself first: ids (N, k) and distances (N, k)."""
    import faiss

    index = faiss.IndexFlatL2(features.shape[1])
    index.add(features)
    ids, squares = [], []
    for first in range(0, len(features), SEARCHED):
        report("neighbours", first, len(features))
        found = index.search(features[first : first + SEARCHED], k)
        squares.append(found[0])
        ids.append(found[1])
    report("graph", 0, 1)
    ids, squares = np.concatenate(ids), np.concatenate(squares)
    squares[ids == np.arange(len(ids))[:, None]] = 0  # not the rounding error of a - 2ab + b
    return ids, np.sqrt(squares.clip(0))


def aligned(moving: np.ndarray, fixed: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The turn, mirroring, scale and shift that bring places (N, 2) nearest to others, row by row.

    Orthogonal Procrustes analysis (Schoenemann 1966) of the centred places; the scale is that of least squares.
    """
    a, b = (np.asarray(v, np.float64) for v in (moving, fixed))
    middle_a, middle_b = a.mean(0), b.mean(0)
    u, s, vt = np.linalg.svd((a - middle_a).T @ (b - middle_b))
    scale = s.sum() / max(np.square(a - middle_a).sum(), 1e-12)
    return lambda places: ((places - middle_a) @ (u @ vt) * scale + middle_b).astype(np.float32)


def _umap(seed: int, neighbours: int, **options):
    return _package().UMAP(n_neighbors=neighbours, min_dist=MIN_DIST, random_state=seed, n_jobs=1, **options)


def _package() -> ModuleType:
    """UMAP; where its compiler, numba, finds no place for what it compiles, it gets one of this process's own."""
    if "numba" not in sys.modules and "NUMBA_CACHE_DIR" not in os.environ and not writable(CACHE_FOLDER.parent):
        folder = tempfile.mkdtemp(prefix="pdm-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["NUMBA_CACHE_DIR"] = folder
    import umap

    return umap


def _normalised(xy: np.ndarray) -> np.ndarray:
    """Places (N, 2) in a plane of +-10, wide rather than high, as screens are.

    How far away UMAP puts a few images that are like no others says little, and would make all else small: along each
    axis, beyond the distance that `BULK` of them keep, a step counts `FAR`.
    """
    xy = xy.astype(np.float64) - xy.mean(0)
    xy = xy @ np.linalg.svd(xy, full_matrices=False)[2].T
    distance = np.abs(xy)
    bulk = np.quantile(distance, BULK, axis=0)
    xy = np.sign(xy) * np.where(distance > bulk, bulk + (distance - bulk) * FAR, distance)
    xy -= xy.mean(0)
    return (xy / np.abs(xy).max() * 10).astype(np.float32)


class _Epochs:
    """What UMAP's progress bar writes to: its lines are of the form "n/total"."""

    def __init__(self, report: Report):
        self.report = report

    def write(self, text: str) -> None:
        n, slash, total = text.strip().partition("/")
        if slash and n.isdecimal() and total.isdecimal():
            self.report("layout", int(n), int(total))

    def flush(self) -> None:
        pass
