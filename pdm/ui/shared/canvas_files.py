"""A picture of the canvas as a PNG to download, with all that made it inside; and such a PNG opened again."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, Painted, resolved_canvas
from pdm.app.own_picture import OwnPicture
from pdm.app.studio import Studio
from pdm.data.images import MAX_PIXELS, open_picture
from pdm.data.picture_header import check_picture
from pdm.editing.prototype_set import PrototypeSet
from pdm.support.checks import shown

KEY = "canvas"  # the text chunk of the PNG
ENLARGED = 2048  # pixels that the longer side of an enlarged picture has at least
NOTHING = "canvas: expected a picture on it, got none yet; paint one first"
FOREIGN = "picture: expected a PNG that was downloaded from a canvas here, got one without its drawing"
FIELDS = ("seed", "steps", "guidance", "sampler", "ground", "tileable", "tiling")


def canvas_recipe(work: Painted) -> dict:
    """What made a picture, as plain JSON values; of a visitor's own picture a digest."""
    request, own = work.request, work.request.own
    known = {"model": work.model, **request.drawing.packed(), **{field: getattr(request, field) for field in FIELDS}}
    if own is None:
        return known
    mix = {"ids": list(own.ids), "weights": list(own.weights)}
    return {**known, "own": {"picture": own.digest, "mode": own.mode, "strength": own.strength, **mix}}


def canvas_png(work: Painted, times: int = 1) -> bytes:
    """A picture as PNG with what made it inside, so many times as large."""
    image = Image.fromarray(work.image[0] if len(work.image) == 1 else work.image.transpose(1, 2, 0))
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text(KEY, json.dumps(canvas_recipe(work)))
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def packed_png(work: Painted | None, enlarged: bool) -> dict:
    """A picture as a file for `DOWNLOAD`. Raises ValueError where there is none."""
    if work is None:
        raise ValueError(NOTHING)
    height, width = work.image.shape[1:]
    times = max(2, -(-ENLARGED // max(height, width))) if enlarged else 1
    name = f"{work.model}-canvas-{width * times}x{height * times}-{work.request.seed}.png"
    return {"name": name, "data": base64.b64encode(canvas_png(work, times)).decode()}


def opened_png(
    studio: Studio, prototype_set: PrototypeSet | None, path: str | Path | None, own: OwnPicture | None = None
) -> tuple[Painted, bool]:
    """The picture in a downloaded PNG, with what made it, and whether a visitor's own picture beneath is missing.

    `own`: the one that he has there now. Raises ValueError for any other file, and another model's.
    """
    if path is None:
        raise ValueError(FOREIGN)
    check_picture(path, MAX_PIXELS)
    image = open_picture(Path(path))
    text = image.info.get(KEY)
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ValueError(FOREIGN)
    if values.get("model") != studio.name:
        raise ValueError(f"picture: expected one of the model {studio.name}, got one of {shown(values.get('model'))}")
    drawing = Drawing.unpacked(values)
    known: dict[str, Any] = {field: values.get(field) for field in FIELDS}  # whatever they are: they are checked below
    request = CanvasRequest(drawing, prototype_set=prototype_set, **known)
    under = values.get("own")
    if isinstance(under, dict) and own is not None and own.digest == under.get("picture"):
        request = replace(request, own=own)
    size = drawing.width, drawing.height
    channels = studio.pdm.denoiser.config.channels
    image = image.convert("L" if channels == 1 else "RGB").resize(size, Image.Resampling.BOX)
    pixels = np.asarray(image)
    array = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    work = Painted(studio.name, resolved_canvas(studio, request), array.copy(), 0.0)
    return work, under is not None and request.own is None
