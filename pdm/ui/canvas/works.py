"""The pictures that a visitor has painted on the canvas, and what the browser keeps of it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pdm.app.canvas import SMALLEST, Drawing, multiple_of
from pdm.app.canvas_painting import CanvasRequest, Painted, grid_of
from pdm.app.own_picture import OwnPicture
from pdm.app.studio import Studio
from pdm.ui.components.picture_grid import Item, pictures

MAX_WORKS = 12  # pictures that a visit remembers
MAX_PIXELS = 4 * 1024 * 1024  # of all of them together
THUMB = 96  # pixels a side of one in the strip
KEPT = 400_000  # characters of one drawing that the browser keeps
EMPTY = "Your canvases will line up here."


@dataclass(frozen=True, eq=False)
class Works:
    """Finished pictures of a visit, newest first, and which of them is shown."""

    painted: tuple[Painted, ...] = ()
    shown: int = 0

    def made(self, work: Painted) -> Works:
        """With one more; the oldest go where there are too many, or too large ones."""
        kept, room = [work], MAX_PIXELS - work.image[0].size
        for other in self.painted[: MAX_WORKS - 1]:
            room -= other.image[0].size
            if room < 0:
                break
            kept.append(other)
        return Works(tuple(kept))


def strip(works: Works) -> dict:
    """The pictures of a visit in a row."""
    if not works.painted:
        return pictures(None, [], empty=EMPTY)
    items = [
        Item(i, f"{w.request.drawing.width} × {w.request.drawing.height}", f"seed {w.request.seed}")
        for i, w in enumerate(works.painted)
    ]
    return pictures(torch.stack([_thumb(w) for w in works.painted]), items, cell=84, selected=[works.shown])


def _thumb(work: Painted) -> torch.Tensor:
    """The middle of a picture, uint8 (3, THUMB, THUMB)."""
    image = torch.from_numpy(work.image)
    height, width = image.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[:, top : top + side, left : left + side].float()
    return F.interpolate(square[None], size=THUMB, mode="area")[0].byte().expand(3, -1, -1)


def to_keep(kept: object, studio: Studio, request: CanvasRequest) -> dict:
    """What the browser keeps: for each model the drawing, and how it was painted. One too large is left out."""
    values = request.drawing.packed()
    known = {k: v for k, v in kept.items() if isinstance(v, dict)} if isinstance(kept, dict) else {}
    if len(values["runs"]) > KEPT:
        return {k: v for k, v in known.items() if k != studio.name}
    fields = ("seed", "steps", "guidance", "ground", "tileable")
    own = None if request.own is None else request.own.packed(KEPT)
    return {**known, studio.name: {**values, **{field: getattr(request, field) for field in fields}, "own": own}}


def from_kept(kept: object, studio: Studio) -> tuple[Drawing, OwnPicture | None, dict] | None:
    """The inverse of `to_keep`: a drawing, the picture beneath, the settings; None where nothing can be used."""
    values = kept.get(studio.name) if isinstance(kept, dict) else None
    if not isinstance(values, dict):
        return None
    try:
        own = OwnPicture.unpacked(values["own"]) if values.get("own") else None
        if own is not None:
            studio.pdm.check_mix(own.ids, own.weights)
        drawing, grid = Drawing.unpacked(values), grid_of(studio)
        # It may have been kept when the model painted other sizes.
        sides = (multiple_of(side, grid, SMALLEST) for side in (drawing.width, drawing.height))
        return drawing.resized(*sides), own, values
    except ValueError:
        return None
