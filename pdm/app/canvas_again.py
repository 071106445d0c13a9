"""What stays of a painted mosaic when something is drawn on it: its cells know nothing of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, Painted
from pdm.app.studio import Studio
from pdm.pipelines.start import Start

SAME = ("seed", "ground", "tileable", "tiling", "soften")  # or else every cell is another one
FINISHED = ("steps", "guidance", "sampler")


def rest_of(studio: Studio, request: CanvasRequest, work: Painted | None, *, finished: bool) -> Start | None:
    """A start that keeps the cells of an earlier picture on which a resolved request paints the same.

    `finished`: they must have been painted in the same steps, too; a sketch keeps what is better than it. None where
    nothing can be kept: for other settings, and on canvases that the net sees as a whole or through windows that
    overlap, where everything hangs together.
    """
    if work is None or work.model != studio.name or request.tiling != "mosaic":
        return None
    before, fields = work.request, (*SAME, *(FINISHED if finished else ()))
    if request.own is not None or before.own is not None or not _same(request, before, fields):
        return None
    drawn, was = (_ids(asked.drawing) for asked in (request, before))
    if drawn.shape != was.shape:
        return None
    keep = _cells(torch.from_numpy(drawn == was), studio.pdm.image_size)
    return Start(torch.from_numpy(work.image), keep) if bool(keep.any()) else None


def _same(one: CanvasRequest, other: CanvasRequest, fields: Sequence[str]) -> bool:
    """Sets of prototypes are the same where they are one object: an edit makes another."""
    if one.prototype_set is not other.prototype_set:
        return False
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def _ids(drawing: Drawing) -> np.ndarray:
    """The prototype that each pixel is painted with, -1 for the ground."""
    return np.array([-1, *drawing.legend])[drawing.pixels]


def _cells(same: torch.Tensor, side: int) -> torch.Tensor:
    """1 on the cells of `side` pixels that are the same (H, W) all over, 0 elsewhere."""
    changed = F.max_pool2d((~same).float()[None], side)
    return 1 - changed.repeat_interleave(side, 1).repeat_interleave(side, 2)[0]
