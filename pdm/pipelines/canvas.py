"""The size of what is painted, and whether a net sees it whole, through windows, or paints a mosaic."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdm.model.denoiser import Denoiser
from pdm.pipelines.checks import check_tiling
from pdm.pipelines.regions import Regions
from pdm.sampling.windows import AT_ONCE, Windows, mosaic, plan, rolled
from pdm.support.checks import expect, is_whole

LIVE = 6  # tensors of the finest level that are there at once
CANVASES = 16  # of noise, means, steps and masks
MARGIN = 64  # pixels beyond its edges that the whole net sees of a canvas that repeats


@dataclass(frozen=True)
class Canvas:
    """How large a picture is, in pixels, and the windows that it is painted through, if any, as its net counts.

    `factor`: pixels a side that one number of the net's stands for.
    """

    height: int
    width: int
    windows: Windows | None = None
    factor: int = 1


def make_canvas(
    denoiser: Denoiser,
    regions: Regions | None,
    *,
    height: int | None = None,
    width: int | None = None,
    tiling: str,
    tileable: bool = False,
    factor: int = 1,
) -> Canvas:
    """A canvas of the regions' size, or the net's own where there are none and no size is named.

    `tiling`: "whole" for the net on the whole canvas, "windows" for overlapping windows of the net's own size, "mosaic"
    for pictures of that size side by side, each of one object: its sides are multiples of that size.
    `factor`: pixels a side that one number of the net's stands for. Raises ValueError for sizes that the net cannot
    paint, and for others than the masks'.
    """
    check_tiling(tiling)
    own, grid = denoiser.config.image_size, grid_of(denoiser, tiling)
    high = _side("height", height, None if regions is None else regions.height, own * factor, grid * factor)
    wide = _side("width", width, None if regions is None else regions.width, own * factor, grid * factor)
    size = high // factor, wide // factor  # as the net counts
    if tiling == "windows":
        return Canvas(high, wide, plan(*size, own, grid, tileable=tileable), factor)
    if tiling == "mosaic":
        return Canvas(high, wide, mosaic(*size, own), factor)
    margin = max(grid, MARGIN // factor // grid * grid)
    return Canvas(high, wide, rolled(*size, margin) if tileable else None, factor)


def grid_of(denoiser: Denoiser, tiling: str) -> int:
    """What height and width must be multiples of, as the net counts."""
    return denoiser.config.image_size if tiling == "mosaic" else denoiser.grid


def _side(field: str, asked: int | None, masks: int | None, own: int, grid: int) -> int:
    """Height or width in pixels: as asked, as the masks have it, or the net's own."""
    if asked is None:
        side, field = (own, field) if masks is None else (masks, f"masks: {field}")
    else:
        side = asked
    expect(field, side, f"a multiple of {grid}", is_whole(side, grid) and side % grid == 0)
    expect(field, side, f"{masks}, as the masks have it", masks is None or side == masks)
    return side


def memory_needed(denoiser: Denoiser, canvas: Canvas, *, guided: bool) -> int:
    """About how many bytes painting a canvas takes at its fullest: some of the widest tensors that the net makes."""
    config, windows = denoiser.config, canvas.windows
    rows = 2 if guided else 1
    if windows is None or windows.margin:
        beyond = 2 * MARGIN if windows else 0
        places = (canvas.height + beyond) * (canvas.width + beyond) // canvas.factor**2
    else:
        places, rows = windows.height * windows.width, rows * AT_ONCE
    widest = sum(config.block_out_channels[:2])  # at the finest level, beside what was kept on the way down
    net = rows * places // config.patch**2 * widest * denoiser.null_token.element_size() * LIVE
    return net + canvas.height * canvas.width * config.channels * 4 * CANVASES


def check_memory(denoiser: Denoiser, canvas: Canvas, *, guided: bool) -> None:
    """Raise ValueError for a canvas that takes more memory than there is free where the net is."""
    import psutil

    on_gpu = denoiser.device.type == "cuda"
    free = torch.cuda.mem_get_info(denoiser.device)[0] if on_gpu else psutil.virtual_memory().available
    needed = memory_needed(denoiser, canvas, guided=guided)
    if needed > free:
        raise ValueError(
            f"size: expected a canvas that fits in {free / 1e9:.1f} GB of free memory, got {canvas.height} x "
            f"{canvas.width} pixels, which take about {needed / 1e9:.1f} GB; windows take less"
        )
