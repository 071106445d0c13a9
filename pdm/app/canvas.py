"""What is painted on a canvas, as a value: which prototype is wanted where. The one place where it is checked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdm.app.shown_set import ShownSet
from pdm.support.checks import expect, is_whole, whole

MIN_SIDE, MAX_SIDE = 64, 1024
SMALLEST = 32  # pixels a side of the smallest net's own pictures, which can be painted on as well
MAX_LEGEND = 255  # colours of a palette, of which one is the ground
MAX_RUNS = 250_000  # of one number, that a mask may be made of: three bytes each, four as text
RUN = np.dtype([("number", "u1"), ("length", "<u2")])


@dataclass(frozen=True, eq=False)
class Drawing:
    """`pixels` uint8 (H, W): 0 where nothing is painted, else 1 + the place of a prototype's id in `legend`."""

    legend: tuple[int, ...]
    pixels: np.ndarray

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @classmethod
    def blank(cls, width: int, height: int) -> Drawing:
        return cls((), np.zeros((height, width), np.uint8))

    @property
    def ids(self) -> tuple[int, ...]:
        """The prototypes that are painted somewhere, in the order of the legend."""
        return tuple(self.legend[k - 1] for k in np.unique(self.pixels).tolist() if k)

    def packed(self) -> dict:
        """Plain JSON values: runs of one number as base64, three bytes each."""
        flat = self.pixels.reshape(-1)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [len(flat)]])
        runs = [(int(flat[a]), int(b - a)) for a, b in zip(starts[:-1], starts[1:], strict=True)]
        longest = int(np.iinfo("u2").max)
        split = [(k, min(longest, n - i)) for k, n in runs for i in range(0, n, longest)]
        text = base64.b64encode(np.array(split, RUN).tobytes()).decode()
        return {"width": self.width, "height": self.height, "legend": list(self.legend), "runs": text}

    @classmethod
    def unpacked(cls, values: object) -> Drawing:
        """The inverse of `packed` for values that a client sent. Raises ValueError for anything else."""
        if not isinstance(values, dict):
            raise ValueError(f"canvas: expected a drawing, got {type(values).__name__}")
        width, height = (check_side(field, values.get(field), SMALLEST) for field in ("width", "height"))
        legend: Any = values.get("legend")
        text: Any = values.get("runs")
        check_legend(legend)
        expect("mask", text, "runs as base64", isinstance(text, str))
        most = 4 * MAX_RUNS
        if len(text) > most:
            raise ValueError(f"mask: expected at most {MAX_RUNS} runs, got more; paint it with harder edges")
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("mask: expected runs as base64, got other text") from None
        if len(raw) % RUN.itemsize:
            raise ValueError("mask: expected runs of three bytes, got part of one")
        runs = np.frombuffer(raw, RUN)
        total = int(runs["length"].sum(dtype=np.int64))
        if total != width * height:
            raise ValueError(f"mask: expected {width} x {height} pixels, got {total}")
        pixels = np.repeat(runs["number"], runs["length"]).reshape(height, width)
        check_colours(pixels, len(legend))
        return cls(tuple(legend), pixels)

    @classmethod
    def read(cls, text: object) -> tuple[Drawing, int]:
        """A drawing and its number from the value of the page's canvas. Raises ValueError."""
        try:
            values = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            values = None
        drawing = cls.unpacked(values)
        n: Any = values.get("n") if isinstance(values, dict) else None
        expect("canvas", n, "a whole number n", is_whole(n, 0))
        return drawing, n

    def resized(self, width: int, height: int) -> Drawing:
        """The same at another size; each pixel takes the number of the nearest one."""
        rows = (np.arange(height) * self.height) // height
        columns = (np.arange(width) * self.width) // width
        return Drawing(self.legend, self.pixels[rows[:, None], columns[None]])


def check_side(field: str, value: object, least: int = MIN_SIDE) -> int:
    """A width or height that a canvas may have; raises ValueError for any other."""
    whole(field, value, least, MAX_SIDE)
    assert isinstance(value, int)
    return value


def check_legend(legend: object) -> None:
    """Raise ValueError unless this is a list of as many ids as a palette has colours."""
    expect("legend", legend, "a list of prototypes", isinstance(legend, list | tuple))
    assert isinstance(legend, list | tuple)
    if len(legend) > MAX_LEGEND:
        raise ValueError(f"legend: expected at most {MAX_LEGEND} prototypes, got {len(legend)}")
    for k in legend:
        expect("legend", k, "whole numbers from 0", is_whole(k, 0))


def check_colours(pixels: np.ndarray, highest: int, what: str = "legend") -> None:
    """Raise ValueError for numbers higher than what the legend, or a list of another name, explains."""
    if (found := int(pixels.max(initial=0))) > highest:
        raise ValueError(f"mask: expected colours from 0 to {highest}, which {what} explains, got {found}")


def check_paintable(shown_set: ShownSet, ids: Sequence[int]) -> None:
    """Raise ValueError for prototypes that are not in the set, or muted in it."""
    shown_set.check(list(ids))
    muted = [k for k in ids if shown_set.prototypes.get(k).muted]
    if muted:
        names = ", ".join(shown_set.names[k] for k in muted[:3])
        raise ValueError(f"legend: expected prototypes that are not muted, got {names}; unmute it or paint it over")


def multiple_of(side: float, step: int, least: int = MIN_SIDE) -> int:
    """The multiple of `step` nearest to a side, within what a canvas may have."""
    return min(MAX_SIDE // step * step, max(-(-least // step) * step, round(side / step) * step))
