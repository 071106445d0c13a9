"""What stays of a painted mosaic when something is drawn on it: its cells know nothing of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, Painted
from pdm.app.studio import Studio
from pdm.pipelines.palette import reach
from pdm.pipelines.start import Start

SAME = ("seed", "ground", "tileable", "tiling", "soften", "prototype_set")  # or else every cell is another one
FINISHED = ("steps", "guidance", "sampler")


def rest_of(studio: Studio, request: CanvasRequest, work: Painted | None, *, finished: bool) -> Start | None:
    """A start that keeps the cells of an earlier picture on which a resolved request paints the same.

    `finished`: they must have been painted in the same steps, too; a sketch keeps what is better than it, and cells
    that only a soft edge reaches. None where nothing can be kept: for other settings, and on canvases that the net sees
    as a whole or through windows that overlap, where everything hangs together.
    """
    if work is None or work.model != studio.name or request.tiling != "mosaic":
        return None
    before, fields = work.request, (*SAME, *(FINISHED if finished else ()))
    if request.own is not None or before.own is not None or not _same(request, before, fields):
        return None
    drawn, was = (_ids(asked.drawing) for asked in (request, before))
    if drawn.shape != was.shape:
        return None
    soft = reach(request.soften) if finished else 0
    keep = _unchanged_cells(torch.from_numpy(drawn != was), studio.pdm.image_size, soft)
    return Start(torch.from_numpy(work.image), keep) if bool(keep.any()) else None


def _same(one: CanvasRequest, other: CanvasRequest, fields: Sequence[str]) -> bool:
    """Sets of prototypes are the same where they are one object: an edit makes another."""
    pairs = [(getattr(one, field), getattr(other, field)) for field in fields]
    return all(a is b if field == "prototype_set" else a == b for field, (a, b) in zip(fields, pairs, strict=True))


def _ids(drawing: Drawing) -> np.ndarray:
    """The prototype that each pixel is painted with, -1 for the ground."""
    return np.array([-1, *drawing.legend])[drawing.pixels]


def _unchanged_cells(changed: torch.Tensor, side: int, soft: int) -> torch.Tensor:
    """1 on the cells of `side` pixels that a change (H, W) does not reach, whose edges are so soft; 0 elsewhere."""
    near = F.max_pool2d(changed.float()[None], 2 * soft + 1, stride=1, padding=soft)
    return 1 - F.max_pool2d(near, side).repeat_interleave(side, 1).repeat_interleave(side, 2)[0]
