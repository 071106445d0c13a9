"""Laying a map out again for one visitor, with the prototypes as they are now: a process that can be stopped."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdm.map.layout import aligned
from pdm.support.leftovers import own_folder, sweep
from pdm.support.paths import ROOT

if TYPE_CHECKING:
    from pdm.app.shown_set import ShownSet

MOST = 2  # layouts made at the same time, for all visitors
PREFIX = "pdm-refit-"  # of the folders in which processes work, among the temporary ones
LOOK = 0.2  # seconds between two looks at the process
LONGEST = 900  # seconds after which it is given up
SHARES = {  # of the whole, by phase
    "starting UMAP": (0.0, 0.15),
    "neighbours": (0.15, 0.2),
    "graph": (0.2, 0.4),
    "layout": (0.4, 1.0),
}


@dataclass(frozen=True, eq=False)
class Layout:
    """Where else a map's images may lie, `xy` (N, 2), and the vectors that were laid out with them."""

    xy: torch.Tensor
    stars: dict[bytes, tuple[float, float]]


@dataclass(frozen=True)
class Progress:
    """What is going on and how much of the whole is done, 0 to 1; the last one has the layout."""

    what: str
    part: float
    layout: Layout | None = None


class Slots:
    """Who is laying out a map: every visitor one at a time, and `most` at a time in all."""

    def __init__(self, most: int = MOST):
        self.most = most
        self._taken: set[Hashable] = set()
        self._lock = threading.Lock()

    @contextmanager
    def held(self, visitor: Hashable) -> Iterator[None]:
        """Hold a slot; raises ValueError where this visitor has one, or all are taken."""
        with self._lock:
            if visitor in self._taken:
                raise ValueError("refit: expected one at a time, got another while yours is running")
            if len(self._taken) >= self.most:
                raise ValueError(f"refit: expected at most {self.most} at a time, got one more; try again in a minute")
            self._taken.add(visitor)
        try:
            yield
        finally:
            with self._lock:
                self._taken.remove(visitor)


def sweep_folders() -> None:
    """Remove the folders that processes of an app left which was killed."""
    sweep(Path(tempfile.gettempdir()), PREFIX)


def refit(shown_set: ShownSet) -> Generator[Progress, None, None]:
    """Lay out a map's images and a set's prototypes together by UMAP, from where they lie now and turned to lie alike.

    Nothing is changed: the last `Progress` holds the new layout. Closing the iterator ends the work at once. Raises
    RuntimeError where it failed or took too long.
    """
    ids = list(shown_set.prototypes.ids)
    features = torch.cat([shown_set.map.features, shown_set.vectors(ids)]).numpy()  # (N + K, D)
    start = torch.cat([shown_set.map.xy, torch.tensor([shown_set.xy[k] for k in ids])]).numpy()  # (N + K, 2)
    with own_folder(Path(tempfile.gettempdir()), PREFIX) as folder:
        np.savez(folder / "start.npz", features=features, xy=start)
        yield from _worked(folder)
        made = np.load(folder / "xy.npy", allow_pickle=False)
    count = len(shown_set.map)
    made = torch.from_numpy(aligned(made[:count], start[:count])(made))
    vectors = (p.vector for p in shown_set.prototypes.prototypes)
    stars = {vector: (x, y) for vector, (x, y) in zip(vectors, made[count:].tolist(), strict=True)}
    yield Progress("done", 1.0, Layout(made[:count].clone(), stars))


def _worked(folder: Path) -> Iterator[Progress]:
    """How far the process is, until it has written its places."""
    started = time.monotonic()
    with (folder / "errors.txt").open("w+") as errors, _process(folder, errors) as (process, lines):
        while process.poll() is None:
            seconds = time.monotonic() - started
            if seconds > LONGEST:
                raise RuntimeError(f"refit: expected to end within {LONGEST} s, got no end")
            what, n, total = lines[-1]
            low, high = SHARES[what]
            counted = f"{n} of {total}" if total > 1 else f"{seconds:.0f} s"
            yield Progress(f"{what}, {counted}", low + (high - low) * n / total)
            time.sleep(LOOK)
        if process.returncode:
            errors.seek(0)
            reason = (errors.read().strip().splitlines() or [f"exit status {process.returncode}"])[-1]
            raise RuntimeError(f"refit: expected a layout, got: {reason}")


@contextmanager
def _process(folder: Path, errors) -> Iterator[tuple[subprocess.Popen, deque[tuple[str, int, int]]]]:
    """The process and what it reported last; killed should it still run at the end."""
    command = [sys.executable, "-m", "pdm.app.refit_worker", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
    output = process.stdout
    assert output is not None
    lines = deque([("starting UMAP", 0, 1)], maxlen=1)

    def read() -> None:
        for line in output:
            what, n, total = line.rsplit(maxsplit=2)
            lines.append((what, int(n), int(total)))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        output.close()
