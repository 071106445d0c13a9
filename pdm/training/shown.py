"""What a run lets one see while it works: how far each of its parts is, and lines of text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from tqdm.auto import tqdm


class Shown(Protocol):
    """Who shows a run: a bar for each part of it on a terminal, or one line for all, or a page."""

    def at(self, what: str, done: int, of: int, unit: str, loss: float | None = None) -> None:
        """`done` steps or images of a part are behind; the first call for it says where it starts."""

    def used(self, prototypes: int, of: int) -> None:
        """So many prototypes get their share of the images that were seen last."""

    def levels(self, means: Callable[[], dict[str, float]]) -> None:
        """What gives the denoiser's mean loss at each kind of noise level; to ask it waits for the device."""

    def say(self, text: str) -> None:
        """A line for those who watch."""

    def close(self) -> None:
        """Nothing more is shown of the parts so far."""


class Bars:
    """A bar of tqdm for each part, and lines above it. `silent`: of several processes one speaks."""

    def __init__(self, silent: bool = False):
        self.silent = silent
        self.bars: dict[str, tqdm] = {}

    def at(self, what: str, done: int, of: int, unit: str, loss: float | None = None) -> None:
        if what not in self.bars:
            start = done if unit == "img" else 0
            self.bars[what] = tqdm(total=of, initial=start, desc=what, unit=unit, disable=self.silent)
        bar = self.bars[what]
        if loss is not None:
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        bar.update(done - bar.n)

    def used(self, prototypes: int, of: int) -> None:
        """Nothing: the line at the end of the prototypes' own steps says it."""

    def levels(self, means: Callable[[], dict[str, float]]) -> None:
        """Nothing: the line at a checkpoint says it."""

    def say(self, text: str) -> None:
        if not self.silent:
            tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        for bar in self.bars.values():
            bar.close()
        self.bars = {}
