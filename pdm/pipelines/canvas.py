"""The size of what is painted, and whether a net sees it whole or through windows."""

from __future__ import annotations

from dataclasses import dataclass

from pdm.model.denoiser import Denoiser
from pdm.pipelines.checks import check_tiling
from pdm.pipelines.regions import Regions
from pdm.sampling.windows import Windows, plan, rolled
from pdm.support.checks import expect, is_whole

MARGIN = 64  # pixels beyond its edges that the whole net sees of a canvas that repeats


@dataclass(frozen=True)
class Canvas:
    """How large a picture is, in pixels, and the windows that it is painted through, if any."""

    height: int
    width: int
    windows: Windows | None = None


def make_canvas(
    denoiser: Denoiser,
    regions: Regions | None,
    *,
    height: int | None = None,
    width: int | None = None,
    tiling: str,
    tileable: bool = False,
) -> Canvas:
    """A canvas of the regions' size, or the net's own where there are none and no size is named.

    `tiling`: "whole" for the net on the whole canvas, "windows" for overlapping windows of the net's own size. Raises
    ValueError for sizes that the net cannot paint, and for others than the masks'.
    """
    check_tiling(tiling)
    own, grid = denoiser.config.image_size, denoiser.grid
    high = _side("height", height, None if regions is None else regions.height, own, grid)
    wide = _side("width", width, None if regions is None else regions.width, own, grid)
    if tiling == "windows":
        return Canvas(high, wide, plan(high, wide, own, grid, tileable=tileable))
    return Canvas(high, wide, rolled(high, wide, MARGIN // grid * grid) if tileable else None)


def _side(field: str, asked: int | None, masks: int | None, own: int, grid: int) -> int:
    """Height or width in pixels: as asked, as the masks have it, or the net's own."""
    if asked is None:
        side, field = (own, field) if masks is None else (masks, f"masks: {field}")
    else:
        side = asked
    expect(field, side, f"a multiple of {grid}", is_whole(side, grid) and side % grid == 0)
    expect(field, side, f"{masks}, as the masks have it", masks is None or side == masks)
    return side
