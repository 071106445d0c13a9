"""How a net paints canvases larger than the pictures it was trained on: norms by region, self-attention by windows.

A convolution knows no picture's size. A group norm takes its mean and variance over the whole picture, so that a dark
sea would change the land beside it, and self-attention mixes what is far apart. In training both saw one kind of
picture. So on a larger canvas a norm takes the statistics of each region by itself, and a place attends to its own
region in a window of the net's own size. On a picture of that size nothing changes, not a bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import nn

FAINT = 1e-4  # share of a place that is none
# Places of a level, from which on every other row and column tells a region's mean and variance, and rows go by twos.
MANY = 4096
Grid = tuple[int, int, int]  # of a level that attends: height, width and the side of the window that a place sees
# By the size of a level. Set for one call of a net, in its own thread.
_shares: ContextVar[Mapping[tuple[int, int], Shares] | None] = ContextVar("shares", default=None)


class Shares(NamedTuple):
    """Whose each place of a level is.

    Twice over, for the two means and the two mixtures of `RegionNorm`: `of` (2B, strips, M) sums to 1 over M; a strip
    is a place, or as many below each other as `stride`. `counted` (2B, M, places) weighs every `stride`-th row and
    column in a region's mean: it sums to 1 over the places. `near` (B * blocks, 1, places of a block, window), where a
    level attends, are logs of how far two places share one.
    """

    of: torch.Tensor
    counted: torch.Tensor
    stride: int
    near: torch.Tensor | None


def shares_of(
    places: torch.Tensor, sizes: Iterable[tuple[int, int]], grids: Mapping[int, Grid], dtype: torch.dtype
) -> dict[tuple[int, int], Shares]:
    """Shares at levels of these sizes, by size; `places` (B, M, h, w) sum to 1 over M, `grids` has what attends."""
    return {size: _shares_at(size, places, grids.get(size[0] * size[1]), dtype) for size in sizes}


def _shares_at(size: tuple[int, int], places: torch.Tensor, grid: Grid | None, dtype: torch.dtype) -> Shares:
    if size[0] > places.shape[2] or size[1] > places.shape[3]:
        at = F.interpolate(places, size=size, mode="bilinear", align_corners=False)
    else:
        at = F.adaptive_avg_pool2d(places, size)
    whose, near = at.flatten(2), None  # (B, M, places)
    stride = 2 if whose.shape[2] >= MANY and size[0] % 2 == 0 else 1
    # A region that lies between those places alone is counted as what is beside it, not as nothing.
    counted = F.avg_pool2d(at, stride, ceil_mode=True).flatten(2)
    counted = counted / counted.sum(2, keepdim=True).clamp(min=FAINT)
    if grid is not None:
        blocks = Blocks.of(grid, whose.device)
        own, others = (whose[:, :, of].transpose(1, 2).flatten(0, 1) for of in (blocks.own, blocks.seen))
        near = (own.mT @ others).clamp(min=FAINT).log()[:, None].to(dtype)
    strips = F.avg_pool2d(at, (stride, 1)).flatten(2).to(dtype)
    return Shares(strips.mT.repeat(2, 1, 1), counted.to(dtype).repeat(2, 1, 1), stride, near)


@contextmanager
def by_region(shares: Mapping[tuple[int, int], Shares] | None) -> Iterator[None]:
    """Within it norms take statistics by region, and a place attends to its own: see `shares_of`.

    Empty on a large canvas without regions; None on a picture of the net's own size, on which nothing changes.
    """
    token = _shares.set(shares)
    try:
        yield
    finally:
        _shares.reset(token)


def _here() -> Mapping[tuple[int, int], Shares] | None:
    """None while a net is compiled: it learns, and never paints by region; a look at each norm would break it up."""
    return None if torch.compiler.is_compiling() else _shares.get()


class RegionNorm(nn.GroupNorm):
    """A group norm; within `by_region` a place (B, C, H, W) is normed as its region is, between regions as both."""

    @classmethod
    def of(cls, norm: nn.GroupNorm) -> RegionNorm:
        """The same norm with the same parameters."""
        ours = cls(norm.num_groups, norm.num_channels, norm.eps, device="meta")
        ours.weight, ours.bias = norm.weight, norm.bias
        return ours

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        shares = _here()
        if not shares:
            return super().forward(input)
        # Few operations, each on as much as it can take: there are dozens of norms, most of them of a few places.
        share, (rows, channels, height, width) = shares[input.shape[2], input.shape[3]], input.shape
        groups = self.num_groups, channels // self.num_groups
        last = input.permute(0, 2, 3, 1)  # a view, and so is `x`, where channels come last
        x = last.reshape(rows, height // share.stride, share.stride, width * channels)
        seen = last[:, :: share.stride, :: share.stride].reshape(rows, -1, channels)
        powers = torch.stack([seen, seen * seen]).view(2 * rows, -1, channels)
        sums = torch.bmm(share.counted, powers).view(2, rows, -1, *groups)
        mean, square = sums.mean(4, keepdim=True, dtype=torch.float32).unbind()  # (B, M, groups, 1)
        variance = torch.addcmul(square, mean, mean, value=-1).clamp_(min=self.eps)
        scale = variance.rsqrt_() * self.weight.view(groups)  # of each region (B, M, groups, channels)
        offset = torch.addcmul(self.bias.view(groups), mean, scale, value=-1)
        linear = torch.stack([scale, offset]).to(x.dtype).view(2 * rows, -1, channels)
        scale, offset = torch.bmm(share.of, linear).view(2, rows, -1, 1, width * channels).unbind()  # of each strip
        return torch.addcmul(offset, x, scale).view(rows, height, width, channels).permute(0, 3, 1, 2)


def region_norms(module: nn.Module) -> None:
    """Put `RegionNorm` in the place of every group norm in a net."""
    for inner in list(module.modules()):
        for name, child in list(inner.named_children()):
            if type(child) is nn.GroupNorm:
                setattr(inner, name, RegionNorm.of(child))
            elif isinstance(child, Transformer2DModel):
                child.proj_out.register_forward_pre_hook(_channels_last)


def _channels_last(layer: nn.Module, args: tuple) -> tuple | None:
    """What a canvas goes through keeps channels last; diffusers' transformer blocks put them first at their end."""
    if _here() is None:
        return None
    return tuple(x.contiguous(memory_format=torch.channels_last) for x in args)


class Blocks(NamedTuple):
    """Blocks of places of a level: the places that are a block's `own` and those `seen` round it, (blocks, places)."""

    own: torch.Tensor
    seen: torch.Tensor
    back: torch.Tensor  # (places,) puts what was worked out block after block in the level's order

    @classmethod
    def of(cls, grid: Grid, device: torch.device) -> Blocks:
        """For a level of `grid`: height, width and the side of the window that a place sees."""
        return cls(*(index.to(device) for index in _blocks(*grid)))


@lru_cache(maxsize=16)
def _blocks(height: int, width: int, span: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    side = math.gcd(max(1, span // 2), height, width)
    rows, columns = (_starts(n, span, side) for n in (height, width))
    seen = (rows[:, None, :, None] * width + columns[None, :, None, :]).flatten(2).flatten(0, 1)
    own = torch.arange(height * width).view(height // side, side, width // side, side)
    own = own.transpose(1, 2).flatten(2).flatten(0, 1)
    return own, seen, own.flatten().argsort()


def _starts(length: int, span: int, side: int) -> torch.Tensor:
    """The places (blocks, window) along one axis that the blocks attend to, at the edge those of the last window."""
    window = min(span, length)
    first = torch.arange(0, length, side) - (window - side) // 2
    return first.clamp(0, length - window)[:, None] + torch.arange(window)


def local_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Self-attention (B, heads, places, head_dim) in which each place sees a window round it.

    At the canvas's edge that is the last window. Within `by_region` it sees its own region there.
    """
    blocks, shares = Blocks.of(grid, query.device), _shares.get()

    def of_blocks(seen: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        rows = seen.transpose(1, 2).flatten(2).index_select(1, which.flatten())  # whole rows: the fastest to copy
        rows = rows.view(-1, which.shape[1], seen.shape[1], seen.shape[3])  # (B * blocks, which, heads, head_dim)
        return rows.transpose(1, 2)

    out = F.scaled_dot_product_attention(
        of_blocks(query, blocks.own),
        of_blocks(key, blocks.seen),
        of_blocks(value, blocks.seen),
        attn_mask=shares[grid[:2]].near if shares else None,
    )
    rows = out.transpose(1, 2).reshape(len(query), len(blocks.back), -1)  # (B, places by block, heads * head_dim)
    return rows.index_select(1, blocks.back).unflatten(2, (query.shape[1], -1)).transpose(1, 2)
