"""What several subcommands share."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.support.leftovers import is_free

if TYPE_CHECKING:
    from pdm.data.images import ImageData


def given(**values) -> dict:
    """Those of the values that are not None: the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def check_replaceable(out: Path, mark: str) -> None:
    """Raise ValueError unless `out` may be replaced as a whole: it is new, empty, or holds the file `mark`."""
    if not is_free(out) and not (out / mark).is_file():
        raise ValueError(f"--out {out}: expected a new or empty folder, or one with {mark} in it to replace")


def say_found(data: ImageData) -> None:
    """What reading the data found, in a line: after the checks, and before the work."""
    if data.found is not None:
        print(f"data set {data.name!r}: {data.found.line()}", file=sys.stderr)


def check_channels(data: ImageData, channels: int) -> None:
    if data.images.shape[1] != channels:
        kinds = {1: "grey", 3: "colour"}
        got = kinds.get(data.images.shape[1], data.images.shape[1])
        raise ValueError(f"--data: expected {kinds.get(channels, channels)} images as the model's, got {got} ones")


@contextmanager
def progress_bars():
    """A report function (what, step, of, loss) that draws one bar for each `what`."""
    from tqdm.auto import tqdm

    from pdm.training.watch import check_loss

    bars: dict[str, tqdm] = {}

    def report(what: str, step: int, of: int, loss: float) -> None:
        check_loss(what, step, loss)
        if what not in bars:
            bars[what] = tqdm(total=of, desc=what)
        bars[what].update(step - bars[what].n)

    try:
        yield report
    finally:
        for bar in bars.values():
            bar.close()
