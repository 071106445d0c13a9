"""A picture of the canvas as a PNG to download, with all that made it inside; and such a PNG opened again."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, Painted, resolved_canvas
from pdm.app.own_picture import OwnPicture
from pdm.app.studio import Studio
from pdm.data.decode import open_picture
from pdm.data.images import MAX_PIXELS, to_pil
from pdm.data.picture_header import check_picture
from pdm.editing.prototype_set import PrototypeSet
from pdm.pipelines.canvas_recipe import CanvasRecipe
from pdm.pipelines.palette import hue, indices_of
from pdm.pipelines.recipe import Recipe, png_bytes, read_masks, read_recipe
from pdm.pipelines.start_recipe import StartRecipe, picture_digest
from pdm.support.checks import shown

ENLARGED = 2048  # pixels that the longer side of an enlarged picture has at least
NOTHING = "canvas: expected a picture on it, got none yet; paint one first"
FOREIGN = "picture: expected a PNG that was downloaded from a canvas, got one without its drawing"
MIXED = "picture: expected regions of one prototype each, got a mix"


def canvas_recipe(work: Painted) -> Recipe:
    """What made a picture; of a visitor's own picture beneath a digest."""
    request, drawing, own = work.request, work.request.drawing, work.request.own
    legend = {k: drawing.legend[k - 1] for k in np.unique(drawing.pixels).tolist() if k}
    return Recipe(
        model=work.model,
        method="pdm",
        seed=request.seed,
        steps=request.steps,
        guidance=request.scale,
        sampler=request.sampler,
        prototype_set=None if request.prototype_set is None else request.prototype_set.digest,
        canvas=CanvasRecipe.of(
            legend,
            (drawing.height, drawing.width),
            ground=request.ground if own is None else (own.ids, own.weights),
            tiling=request.tiling or "whole",
            tileable=request.tileable,
            soften=request.soften,
        ),
        start=None if own is None else _start(own),
    )


def _start(own: OwnPicture) -> StartRecipe:
    return StartRecipe(picture_digest(own.image), own.mode == "keep", own.strength, own.mode == "kind")


def canvas_png(work: Painted, times: int = 1) -> bytes:
    """A picture as PNG with what made it inside, so many times as large."""
    image, drawing, own = to_pil(torch.from_numpy(work.image)), work.request.drawing, work.request.own
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    masks = Image.fromarray(drawing.pixels).convert("P")
    masks.putpalette([v for colour in [(128, 128, 128), *map(hue, range(len(drawing.legend)))] for v in colour])
    keep = None if own is None or times > 1 else own.kept(drawing)  # it is of the picture's own size, or none
    return png_bytes(image, canvas_recipe(work), masks, keep)


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
    try:
        image, recipe, masks = open_picture(Path(path)), read_recipe(path), read_masks(path)
    except ValueError:  # their texts name the file where the server keeps it
        raise ValueError(FOREIGN) from None
    canvas = recipe.canvas
    if canvas is None or masks is None or masks.size != (canvas.width, canvas.height):
        raise ValueError(FOREIGN)
    if recipe.model != studio.name:
        raise ValueError(f"picture: expected one of the model {studio.name}, got one of {shown(recipe.model)}")
    there = own if own and recipe.start and picture_digest(own.image) == recipe.start.ground else None
    request = CanvasRequest(
        _drawing(canvas, masks),
        seed=recipe.seed,
        steps=recipe.steps,
        guidance=recipe.guidance,
        sampler=recipe.sampler,
        ground=canvas.ground if isinstance(canvas.ground, str) else "table",
        tileable=canvas.tileable,
        tiling=canvas.tiling,
        soften=canvas.soften,
        own=there and _as_made(there, recipe),
        prototype_set=prototype_set,
    )
    return _painted(studio, resolved_canvas(studio, request), image), recipe.start is not None and there is None


def _as_made(own: OwnPicture, recipe: Recipe) -> OwnPicture:
    """The picture beneath, treated as a recipe says."""
    assert recipe.start is not None and recipe.canvas is not None
    mode = "kind" if recipe.start.inverted else "keep" if recipe.start.keep else "over"
    own = replace(own, mode=mode, strength=recipe.start.strength)
    ground = recipe.canvas.ground
    return own if isinstance(ground, str) else replace(own, ids=ground[0], weights=ground[1] or (1.0,) * len(ground[0]))


def _drawing(canvas: CanvasRecipe, masks: Image.Image) -> Drawing:
    """What was painted, where each region is of one prototype."""
    if any(len(ids) != 1 for _, ids, _ in canvas.legend):
        raise ValueError(MIXED)
    legend = tuple(dict.fromkeys(ids[0] for _, ids, _ in canvas.legend))
    numbers = np.zeros(256, np.uint8)
    for index, ids, _ in canvas.legend:
        numbers[index] = legend.index(ids[0]) + 1
    drawing = Drawing(legend, numbers[indices_of(masks)])
    return Drawing.unpacked(drawing.packed())  # and checked


def _painted(studio: Studio, request: CanvasRequest, image: Image.Image) -> Painted:
    channels = studio.pdm.channels
    size = request.drawing.width, request.drawing.height
    image = image.convert("L" if channels == 1 else "RGB").resize(size, Image.Resampling.BOX)
    pixels = np.asarray(image)
    array = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    return Painted(studio.name, request, array.copy(), 0.0)
