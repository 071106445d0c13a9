"""Windows on a canvas that is larger than what a net knows: overlapping, or side by side as a mosaic.

MultiDiffusion (Bar-Tal et al. 2023): at each step every window is denoised as a picture of its own, and a pixel is what
its windows expect there on average, Eq. (5). Windows may go over an edge of the canvas and on at the other one, so that
it repeats without a seam. In a mosaic none overlap, and each is one object: where a net knows pictures of one object in
the middle, windows that overlap would melt two into each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from pdm.model.conditioning import Condition

AT_ONCE = 16  # windows in one call of a net, all canvases together: what bounds the memory of a large canvas
Asking = Generator[Any, Any, torch.Tensor]
OVERLAP = 0.25  # of a side, at least, that the next one shares: with a half, neighbours would blur


@dataclass(frozen=True)
class Windows:
    """Windows of `height` x `width` pixels, one for each of `tops` and each of `lefts`.

    Those that go over the canvas's edge go on at the other one. A `margin` of as many pixels round each window is seen,
    but what is expected there is not taken. `mosaic`: each is painted from the mean of what is wanted on it.
    `left_out`: corners of those that no net is asked for.
    """

    height: int
    width: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    margin: int = 0
    mosaic: bool = False
    left_out: frozenset[tuple[int, int]] = frozenset()

    @property
    def all_corners(self) -> list[tuple[int, int]]:
        """(top, left) of every window."""
        return [(top, left) for top in self.tops for left in self.lefts]

    @property
    def corners(self) -> list[tuple[int, int]]:
        """Of those that a net is asked for."""
        return [corner for corner in self.all_corners if corner not in self.left_out]

    @property
    def asked(self) -> float:
        """Their share of all windows."""
        return len(self.corners) / len(self.all_corners)

    def beside(self, keep: torch.Tensor) -> Windows:
        """Without those in which all is kept of a picture beneath; `keep` (H, W), 1 where it is."""
        whole = [c for c in self.all_corners if bool((keep[_places(self, c, keep, 0)] == 1).all())]
        return replace(self, left_out=frozenset(whole))

    def groups(self, canvases: int) -> Iterator[list[tuple[int, int]]]:
        """The corners, as many at once as go through a net together for so many canvases."""
        size = max(1, AT_ONCE // canvases)
        for start in range(0, len(self.corners), size):
            yield self.corners[start : start + size]

    def shares(self) -> torch.Tensor:
        """How much a window's pixels count (height, width): most in its middle, where it sees most around them."""
        sides = [torch.minimum(i + 1, n - i) for n in (self.height, self.width) for i in [torch.arange(n)]]
        return sides[0][:, None] * sides[1].float()


def plan(height: int, width: int, side: int, grid: int, *, tileable: bool = False) -> Windows | None:
    """Windows of `side` pixels that cover a canvas, evenly spaced on the net's grid; None where one is enough."""
    sides = [min(side, length) for length in (height, width)]
    starts = [_starts(n, s, grid, tileable) for n, s in zip((height, width), sides, strict=True)]
    if len(starts[0]) == len(starts[1]) == 1:
        return None
    return Windows(sides[0], sides[1], starts[0], starts[1])


def mosaic(height: int, width: int, side: int) -> Windows | None:
    """Windows of `side` pixels edge to edge, on a canvas whose sides are multiples of it; None for a single one."""
    if height == width == side:
        return None
    return Windows(side, side, tuple(range(0, height, side)), tuple(range(0, width, side)), mosaic=True)


def rolled(height: int, width: int, margin: int) -> Windows:
    """One window over a whole canvas, which sees the canvas go on over its edges for so many pixels: it repeats."""
    return Windows(height, width, (0,), (0,), margin)


def _starts(length: int, side: int, grid: int, tileable: bool) -> tuple[int, ...]:
    stride = max(grid, int(side * (1 - OVERLAP)) // grid * grid)
    if tileable:
        count = max(2, math.ceil(length / stride))
        return tuple(round(i * length / count / grid) * grid for i in range(count))
    count = math.ceil((length - side) / stride) + 1
    return tuple(round(i * (length - side) / max(1, count - 1) / grid) * grid for i in range(count))


def through_windows(
    windows: Windows,
    x: torch.Tensor,
    condition: Condition,
    ask: Callable[[torch.Tensor, Condition, torch.Tensor], Asking],
) -> Asking:
    """What is expected behind noisy canvases x (B, C, H, W): the mean of what is expected behind their windows, and 0
    where there is none.

    `ask` is given some windows at a time (B * n, C, h, w), their conditions and the canvas (B * n,) that each is of.
    """
    total = torch.zeros_like(x)
    weight = torch.zeros(x.shape[2:], device=x.device, dtype=x.dtype)
    share = windows.shares().to(x.device, x.dtype)
    m = windows.margin
    for corners in windows.groups(len(x)):
        seen = [_places(windows, corner, x, m) for corner in corners]
        canvas = torch.arange(len(x), device=x.device).repeat_interleave(len(corners))
        parts = torch.stack([x[..., i, j] for i, j in seen], 1).flatten(0, 1)  # (B * n, C, h, w)
        clean = yield from ask(parts, _cropped(condition, canvas, seen, x, windows.mosaic), canvas)
        clean = clean[..., m : m + windows.height, m : m + windows.width].unflatten(0, (len(x), -1))
        for k, corner in enumerate(corners):
            i, j = _places(windows, corner, x, 0)
            total[..., i, j] += share * clean[:, k]
            weight[i, j] += share
    return total / weight.masked_fill(weight == 0, 1)


def _places(windows: Windows, corner: tuple[int, int], x: torch.Tensor, margin: int) -> tuple[Any, Any]:
    """Rows (h, 1) and columns (w,) of a window with its margin on x (..., H, W)."""
    (top, left), (height, width) = corner, x.shape[-2:]
    rows = torch.arange(top - margin, top + windows.height + margin, device=x.device) % height
    columns = torch.arange(left - margin, left + windows.width + margin, device=x.device) % width
    return rows[:, None], columns


def _cropped(
    condition: Condition, canvas: torch.Tensor, seen: list[tuple[Any, Any]], x: torch.Tensor, mean: bool
) -> Condition:
    """A canvas's condition for each window: the weights of the places that it sees, or their means."""
    if condition.places is None:
        return condition[canvas]
    rows = replace(condition, places=None)[canvas]
    down, across = (n // p for n, p in zip(x.shape[2:], condition.places.shape[2:], strict=True))  # pixels a place
    parts = [condition.places[..., i[::down] // down, j[::across] // across] for i, j in seen]
    places = torch.stack(parts, 1).flatten(0, 1)  # (B * n, M, h, w)
    return replace(rows, weights=places.mean((2, 3))) if mean else replace(rows, places=places)
