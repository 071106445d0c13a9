"""A named endpoint for scripts that paints a canvas: /paint. Every value is checked here."""

# No `from __future__ import annotations` here: Gradio reads the endpoints' real types, not their text.
import base64
import binascii
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api
from PIL import Image

from pdm.app.canvas import MAX_SIDE, Drawing, check_colours, check_legend, check_side, multiple_of
from pdm.app.canvas_painting import CanvasRequest, grid_of, painted, pictures_worth, resolved_canvas, run_canvas
from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.own_picture import own_picture
from pdm.app.studio import Studio
from pdm.data.images import MAX_PIXELS
from pdm.pipelines.palette import indices_of
from pdm.pipelines.regions import GROUNDS
from pdm.support.checks import expect, is_number
from pdm.ui.api.clients import Clients
from pdm.ui.guard.turns import gated, wanted
from pdm.ui.shared.canvas_files import canvas_png, canvas_recipe
from pdm.ui.shared.downloads import endpoint_file
from pdm.ui.shared.errors import or_gr_error

MAX_TEXT = 1_500_000  # characters of a mask
SMALLEST = 32  # pixels a side of a net's picture, where its model is not known yet
COLOURS = 256  # of a palette
GROUND = -1  # in the list of prototypes: what is there where nothing is painted


def build(library: Library, clients: Clients) -> None:
    """Add the endpoint to the page being built."""

    def cost(asker, mask, prototypes, model, size=None, seed=1, steps=10, guidance=None, *rest) -> float:
        return _price(library, mask, model, size, steps, guidance)

    painting = gated(paint_endpoint(library, clients), cost, newer="refused")
    api(painting, api_name="paint", concurrency_limit=None)


def paint_endpoint(library: Library, clients: Clients) -> Callable:
    def paint(
        asker: gr.Request,
        mask: str,
        prototypes: list[int],
        model: str = library.default,
        size: int | None = None,
        seed: int = 1,
        steps: int = 10,
        guidance: float | None = None,
        ground: str = "table",
        keep: bool = False,
        strength: float = 1.0,
        tileable: bool = False,
    ) -> tuple[FileData, dict]:
        """Paint one picture of prototypes by place. Returns a PNG, with what made it inside, and the same as JSON.

        mask: a palette PNG as base64, 64 to 1024 pixels a side; rounded to what the net needs, as the answer says.
        prototypes: what each colour of its palette stands for, in order; -1 for the ground. size: pixels of the longer
        side, the mask's own if none is named. ground: "table" for a mix drawn from the data, "null" for nothing in
        particular, or a picture of your own as base64: keep leaves it as it is where the mask has the ground, strength
        above 0 and up to 1 is how much of the rest is painted over. tileable: the picture repeats without a seam.
        Prototypes are those of this session's set, as /edit has made it.
        """
        studio = or_gr_error(library.get, model)
        drawing = or_gr_error(_drawing, studio, mask, prototypes, size)
        own = clients.of(asker).now(studio)
        asked = CanvasRequest(drawing, seed, steps, guidance, tileable=tileable, prototype_set=own)
        asked = or_gr_error(_on_ground, studio, asked, ground, keep, strength)
        request = or_gr_error(resolved_canvas, studio, asked)
        *_, last = wanted(run_canvas(studio, request))
        work = painted(studio, request, last)
        name = f"{studio.name}-canvas-{drawing.width}x{drawing.height}-{request.seed}.png"
        return endpoint_file(canvas_png(work), name, "image/png"), canvas_recipe(work).to_dict()

    return paint


def _drawing(studio: Studio, mask: object, prototypes: object, size: object) -> Drawing:
    """The drawing that a mask and its list of prototypes stand for. Raises ValueError."""
    image = _opened(mask)
    indices = indices_of(image)
    expect("prototypes", prototypes, "a list", isinstance(prototypes, list | tuple))
    assert isinstance(prototypes, list | tuple)
    if len(prototypes) > COLOURS:
        raise ValueError(f"prototypes: expected at most {COLOURS}, got {len(prototypes)}")
    check_legend([k for k in prototypes if k != GROUND])
    legend = tuple(dict.fromkeys(k for k in prototypes if k != GROUND))
    check_colours(indices, len(prototypes) - 1, what="prototypes")
    numbers = np.zeros(256, np.uint8)
    numbers[: len(prototypes)] = [0 if k == GROUND else legend.index(k) + 1 for k in prototypes]
    drawing, grid = Drawing(legend, numbers[indices]), grid_of(studio)
    longest = max(image.size) if size is None else check_side("size", size)
    return drawing.resized(*(multiple_of(longest * side / max(image.size), grid) for side in image.size))


def _on_ground(studio: Studio, request: CanvasRequest, ground: object, keep: object, strength: object) -> CanvasRequest:
    """The request on its ground, a picture or one that has a name. Raises ValueError."""
    expect("keep", keep, "true or false", isinstance(keep, bool))
    expect("strength", strength, "a number above 0 and up to 1", is_number(strength, 0, 1) and strength != 0)
    if ground in GROUNDS:
        if keep or strength != 1:
            raise ValueError("ground: expected a picture beside keep or a strength, got none")
        return replace(request, ground=str(ground))
    expect("ground", ground, f"one of {', '.join(GROUNDS)}, or a picture as base64", isinstance(ground, str))
    image = _decoded("ground", str(ground), ("PNG", "JPEG", "WEBP"), MAX_PIXELS)
    own = own_picture(studio, image, request.prototype_set).in_mode(studio, "keep" if keep else "over")
    return replace(request, own=own.with_strength(strength))


def _opened(mask: object) -> Image.Image:
    """The picture that a mask's text holds; raises ValueError for any other text, and for a larger one."""
    expect("mask", mask, "a palette PNG as base64", isinstance(mask, str))
    image = _decoded("mask", str(mask), ("PNG",), MAX_SIDE**2 * 4)
    if max(image.size) > MAX_SIDE:
        raise ValueError(f"mask: expected at most {MAX_SIDE} pixels a side, got {image.width} x {image.height}")
    for field, side in (("width", image.width), ("height", image.height)):
        check_side(f"mask: {field}", side)
    return image


def _decoded(field: str, text: str, kinds: tuple[str, ...], most: int) -> Image.Image:
    """The picture of one of these kinds, and at most so many pixels, that a text holds as base64. Raises ValueError."""
    text = text.partition("base64,")[2] or text  # a data URL as well
    if len(text) > MAX_TEXT:
        raise ValueError(f"{field}: expected at most {MAX_TEXT} characters, got {len(text)}")
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=kinds) as image:
            if image.width * image.height > most:
                raise ValueError(f"{field}: expected at most {most} pixels, got {image.width} x {image.height}")
            image.load()
            return image.copy()
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError, EOFError):
        raise ValueError(f"{field}: expected {' or '.join(kinds)} as base64, got other text") from None


def _price(library: Library, mask: object, model: object, size: object, steps: object, guidance: object) -> float:
    """The price of a mask that nobody has looked at yet: of what its first bytes say."""
    try:
        text = str(mask)[:200]
        head = base64.b64decode((text.partition("base64,")[2] or text)[:48])
        width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
    except (binascii.Error, ValueError):
        return 1.0
    width, height = (min(MAX_SIDE, max(1, side)) for side in (width, height))
    if isinstance(size, int) and not isinstance(size, bool):
        times = min(MAX_SIDE, max(1, size)) / max(width, height)
        width, height = round(width * times), round(height * times)
    studio = library.loaded(model)
    side: Any = studio.pdm.image_size if studio else SMALLEST
    return price(max(1.0, pictures_worth(width, height, side)), steps, guidance)
