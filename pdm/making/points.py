"""What a making notes down of itself while it works, for a page that shows it: a line of JSON now and then."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FILE = "points.jsonl"  # in the work's folder
EVERY, SHARE = 2.0, 0.002  # seconds between two, and later this share of the time so far: about a thousand in all
MOST = 4_000_000  # bytes that are read of them, the last ones


class Points:
    """Writes at most one line every few seconds, and one at the start of each part.

    `used`: prototypes in use; `levels`: gives the denoiser's loss by noise level, asked when a line is due.
    """

    def __init__(self, folder: Path):
        self.path = Path(folder) / FILE
        self.used: tuple[int, int] | None = None
        self.levels: Callable[[], dict[str, float]] = dict
        self._started = self._last = time.monotonic()
        self._part, self._done, self._loss = "", 0, None

    def add(
        self, part: str, done: int, of: int, unit: str, loss: float | None = None, *, left: Callable[[], float]
    ) -> None:
        """So much of a part is behind, and `left` says how many seconds are before it. Not every step has its loss."""
        now = time.monotonic()
        another = part != self._part
        self._loss = loss if loss is not None or another else self._loss
        if another:
            self.levels = dict
        if not another and now - self._last < max(EVERY, SHARE * (now - self._started)):
            return
        speed = None if another else round((done - self._done) / max(now - self._last, 1e-9), 2)
        finite = self._loss if self._loss is not None and math.isfinite(self._loss) else None
        values = {"at": round(time.time(), 1), "part": part, "done": done, "of": of, "unit": unit, "speed": speed}
        values |= {"left": round(left(), 1), "loss": finite, "used": self.used}
        values["levels"] = {name: round(loss, 5) for name, loss in self.levels().items() if math.isfinite(loss)}
        self._part, self._done, self._last = part, done, now
        with suppress(OSError):  # a full disk stops what is to be kept, and says so; not this
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")


def read_points(folder: Path) -> list[dict]:
    """All that was noted down, oldest first; a line that is being written is left out."""
    try:
        with open(Path(folder) / FILE, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - MOST))
            lines = file.read().splitlines()
    except OSError:
        return []
    points = []
    for line in lines:
        with suppress(ValueError):
            point = json.loads(line)
            if isinstance(point, dict):
                points.append(point)
    return points
