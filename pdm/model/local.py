"""How a net paints canvases larger than the pictures it was trained on: norms by region, self-attention by windows.

A convolution knows no picture's size. A group norm takes its mean and variance over the whole picture, so that a dark
sea would change the land beside it, and self-attention mixes what is far apart. In training both saw one kind of
picture. So on a larger canvas a norm takes the statistics of each region by itself, and a place attends to its own
region in a window of the net's own size. On a picture of that size nothing changes, not a bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

FAINT = 1e-4  # share of a place that is none
# By the size of a level. Set for one call of a net, in its own thread.
_shares: ContextVar[Mapping[tuple[int, int], Shares] | None] = ContextVar("shares", default=None)


class Shares(NamedTuple):
    """Whose each place of a level is, on a grid that is no finer: `of` (B, M, h, w) sum to 1 over M.

    `means` (B, h * w, M): what takes the mean over each region.
    """

    of: torch.Tensor
    means: torch.Tensor


@contextmanager
def by_region(places: torch.Tensor | None, sizes: list[tuple[int, int]]) -> Iterator[None]:
    """Within it norms take statistics by region, at levels of these sizes; `places` (B, M, h, w) sum to 1 over M."""
    token = _shares.set(None if places is None else {size: _at_most(size, places) for size in sizes})
    try:
        yield
    finally:
        _shares.reset(token)


def _at_most(size: tuple[int, int], places: torch.Tensor) -> Shares:
    finer = size[0] > places.shape[2] and size[0] % places.shape[2] == size[1] % places.shape[3] == 0
    of = places if finer else F.adaptive_avg_pool2d(places, size)
    flat = of.flatten(2)
    return Shares(of, (flat / flat.sum(2, keepdim=True).clamp(min=FAINT)).mT.contiguous())


class RegionNorm(nn.GroupNorm):
    """A group norm; within `by_region` a place (B, C, H, W) has the mean and the variance of its region."""

    @classmethod
    def of(cls, norm: nn.GroupNorm) -> RegionNorm:
        """The same norm with the same parameters."""
        ours = cls(norm.num_groups, norm.num_channels, norm.eps, device="meta")
        ours.weight, ours.bias = norm.weight, norm.bias
        return ours

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        shares = _shares.get()
        if shares is None:
            return super().forward(input)
        size = input.shape[2], input.shape[3]
        share, means = shares[size]
        groups = input.unflatten(1, (self.num_groups, -1))
        sums = torch.cat([groups.sum(2, dtype=torch.float32), groups.square().sum(2, dtype=torch.float32)], 1)
        if share.shape[2:] != size:
            sums = F.avg_pool2d(sums, size[0] // share.shape[2])
        coarse = sums / groups.shape[2]
        mean, square = (coarse.flatten(2) @ means).chunk(2, 1)  # of each region (B, G, M)
        variance = (square - mean**2).clamp(min=0)
        mean, variance = (torch.cat([mean, variance], 1) @ share.flatten(2)).chunk(2, 1)  # at each place (B, G, h * w)
        scale = (variance + self.eps).rsqrt()
        both = torch.cat([scale, -mean * scale], 1).unflatten(2, share.shape[2:])
        if share.shape[2:] != size:
            both = F.interpolate(both, size=size, mode="bilinear", align_corners=False)
        both = both.to(input.dtype)
        scale, offset = both[:, :, None].chunk(2, 1)  # (B, G, 1, H, W)
        normal = torch.addcmul(offset, groups, scale).flatten(1, 2)
        return normal.mul_(self.weight[:, None, None]).add_(self.bias[:, None, None])


def region_norms(module: nn.Module) -> None:
    """Put `RegionNorm` in the place of every group norm in a net."""
    for inner in list(module.modules()):
        for name, child in list(inner.named_children()):
            if type(child) is nn.GroupNorm:
                setattr(inner, name, RegionNorm.of(child))


def local_windows(height: int, width: int, span: int) -> tuple[int, torch.Tensor]:
    """Blocks of places and what each attends to: the side of a block, and the window (blocks, places) round each."""
    side = math.gcd(max(1, span // 2), height, width)
    rows, columns = (_starts(n, span, side) for n in (height, width))
    index = rows[:, None, :, None] * width + columns[None, :, None, :]
    return side, index.flatten(2).flatten(0, 1)


def _starts(length: int, span: int, side: int) -> torch.Tensor:
    """The places (blocks, window) along one axis that the blocks attend to, at the edge those of the last window."""
    window = min(span, length)
    first = torch.arange(0, length, side) - (window - side) // 2
    return first.clamp(0, length - window)[:, None] + torch.arange(window)


def local_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, grid: tuple[int, int, int]
) -> torch.Tensor:
    """Self-attention (B, heads, places, head_dim) in which each place sees a window round it; `grid`: H, W, its side.

    At the canvas's edge that is the last window. Within `by_region` it sees its own region there.
    """
    height, width, span = grid
    side, index = local_windows(height, width, span)
    index = index.to(query.device)
    places = torch.arange(height * width, device=query.device).view(height // side, side, width // side, side)
    places = places.transpose(1, 2).flatten(2).flatten(0, 1)  # (blocks, side * side)

    def of_blocks(seen: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        return seen[:, :, which].transpose(1, 2).flatten(0, 1)  # (B * blocks, heads, which, head_dim)

    bias, shares = None, _shares.get()
    if shares is not None:
        share = shares[height, width].of.flatten(2)[..., None]  # (B, M, places, 1)
        own, others = (of_blocks(share, which)[..., 0] for which in (places, index))  # (B * blocks, M, which)
        bias = (own.mT @ others).clamp(min=FAINT).log()[:, None].to(query.dtype)  # (B * blocks, 1, places, window)
    out = F.scaled_dot_product_attention(
        of_blocks(query, places), of_blocks(key, index), of_blocks(value, index), attn_mask=bias
    )
    out = out.unflatten(0, (len(query), -1)).transpose(1, 2).flatten(2, 3)  # (B, heads, places by block, head_dim)
    return out[:, :, places.flatten().argsort()]
