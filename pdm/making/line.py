"""One line of progress for all parts of making a model: which part, images a second, minutes left."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pdm.making.points import Points

ON_TERMINAL, ELSEWHERE = 0.5, 60.0  # seconds between two showings
TRUSTED = 20.0  # seconds of work after which its own pace corrects the plan's


class Line:
    """`minutes`: what each part was planned to take, in their order. `log`: where lines go that parts say.

    Beside the log what a page shows is noted down. Minutes left are the plan's, by how much slower or faster than
    planned the work has been so far.
    """

    def __init__(self, minutes: Mapping[str, float], log: Path, stream: TextIO | None = None):
        self.planned = {part: 60 * value for part, value in minutes.items()}
        self.left = dict(self.planned)
        self.log, self.stream, self.points = log, stream or sys.stderr, Points(log.parent)
        self.part, self.first, self.since = "", 0, time.monotonic()
        self.started, self.before = time.monotonic(), sum(self.left.values())
        self.last, self.called = -ELSEWHERE, self.started

    def of(self, parts: Mapping[str, str]) -> PartsOf:
        """What a training run shows itself to; `parts`: what its own parts are called here."""
        return PartsOf(self, parts)

    def skip(self, *parts: str) -> None:
        """Parts that were made before."""
        for part in parts:
            self.before -= self.left.pop(part, 0.0)

    def end(self, *parts: str) -> None:
        """Parts that are made."""
        for part in parts:
            self.left.pop(part, None)

    def at(self, part: str, done: int, of: int, unit: str = "step", loss: float | None = None) -> None:
        """So much of a part is behind."""
        now, planned = time.monotonic(), self.planned.get(part, 0.0)
        self.called = now
        left = planned * (1 - done / max(1, of))
        if part != self.part:
            self.part, self.first, self.since = part, done, now
            self.before -= max(0.0, self.left.get(part, 0.0) - left)  # made by an earlier run
            self.last = -ELSEWHERE
        if part in self.left:
            self.left[part] = left
        self.points.add(part, done, of, unit, loss, left=self.seconds_left)
        if now - self.last >= (ON_TERMINAL if self.stream.isatty() else ELSEWHERE):
            self.last = now
            self._show(self._text(done, of, unit, now))

    @contextmanager
    def pausable(self) -> Iterator[None]:
        """Inside, the time that the process stands still, as a job that was stopped, is not taken for work."""
        if not hasattr(signal, "SIGCONT") or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGCONT, lambda *_: self.resumed())
        try:
            yield
        finally:
            signal.signal(signal.SIGCONT, before)

    def resumed(self) -> None:
        """It stood still since about the last step."""
        still = time.monotonic() - self.called
        self.started, self.since, self.called = self.started + still, self.since + still, self.called + still

    def say(self, text: str) -> None:
        """A line for those who want to know more, into the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def close(self) -> None:
        if self.stream.isatty():
            self._show("\n", whole=False)

    def seconds_left(self) -> float:
        """By the plan, and by how the work kept to it."""
        worked, left = time.monotonic() - self.started, sum(self.left.values())
        planned = self.before - left
        return left * (worked / planned if worked > TRUSTED and planned > TRUSTED else 1.0)

    def _text(self, done: int, of: int, unit: str, now: float) -> str:
        number = list(self.planned).index(self.part) + 1 if self.part in self.planned else 0
        speed = (done - self.first) / max(now - self.since, 1e-9)
        images = f", {speed:,.0f} images/s" if unit == "img" and done > self.first else ""
        what = "images" if unit == "img" else f"{unit}s"
        return (
            f"[{number}/{len(self.planned)}] {self.part}: {done:,} of {of:,} {what}{images}, "
            f"{self.seconds_left() / 60:.0f} min left"
        )

    def _show(self, text: str, whole: bool = True) -> None:
        terminal = self.stream.isatty()
        self.stream.write(f"\r{text}\033[K" if terminal and whole else text if not whole else f"{text}\n")
        self.stream.flush()


class PartsOf:
    """What a training run is given to show itself to: its parts are parts of the one line."""

    def __init__(self, line: Line, parts: Mapping[str, str]):
        self.line, self.parts = line, parts

    def at(self, what: str, done: int, of: int, unit: str, loss: float | None = None) -> None:
        if what in self.parts:
            self.line.at(self.parts[what], done, of, unit, loss)

    def used(self, prototypes: int, of: int) -> None:
        self.line.points.used = (prototypes, of)

    def levels(self, means: Callable[[], dict[str, float]]) -> None:
        self.line.points.levels = means

    def say(self, text: str) -> None:
        self.line.say(text)

    def close(self) -> None:
        """The line goes on with the next part."""
