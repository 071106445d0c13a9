"""A canvas to paint on with prototypes: the mask is drawn in the browser, its picture is painted by the server."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from pdm.app.canvas import Drawing
from pdm.app.shown_set import ShownSet
from pdm.data.tiles import tiled
from pdm.ui.components.scripted import Scripted

HERE = Path(__file__).parent
SCRIPTS = ("canvas_mask.js", "canvas_palette.js", "canvas_view.js", "canvas_hand.js")
SENT = ("palette", "scene", "picture", "wanted")  # what the server sends beside the value
COLUMNS = 8  # of the sheet with the prototypes' pictures
TOOLS = """
<div class="tools">
  <span role="group" aria-label="tool">
    <button type="button" data-tool="brush" aria-pressed="true" title="Brush (B)">Brush</button>
    <button type="button" data-tool="fill" aria-pressed="false" title="Fill a patch (F)">Fill</button>
    <button type="button" data-tool="eraser" aria-pressed="false" title="Eraser (E)">Eraser</button>
    <button type="button" data-tool="where" aria-pressed="false" title="Find a place on the map (W)">Locate</button>
  </span>
  <span><button type="button" data-do="strokes" aria-pressed="true" title="H">Strokes</button></span>
  <label title="[ and ]">size <input type="range" data-size min="3" max="100" value="24"></label>
  <label>hard <input type="range" data-hard min="0" max="100" value="70"></label>
  <span role="group" aria-label="history">
    <button type="button" data-do="undo" title="Ctrl+Z" disabled>Undo</button>
    <button type="button" data-do="redo" title="Ctrl+Shift+Z" disabled>Redo</button>
    <button type="button" data-do="clear">Clear</button>
  </span>
  <span role="group" aria-label="zoom">
    <button type="button" data-do="in" aria-label="zoom in" title="+">+</button>
    <button type="button" data-do="out" aria-label="zoom out" title="-">&minus;</button>
    <button type="button" data-do="fit" title="0">Fit</button>
  </span>
</div>
"""
BODY = """
<div class="body">
  <div class="frame" tabindex="0" role="application" aria-label="canvas: arrows move the brush, with shift they paint">
    <div class="stage">
      <canvas class="picture"></canvas><canvas class="strokes"></canvas><canvas class="borders"></canvas>
    </div>
    <div class="ring" hidden></div><div class="wait">the canvas is being prepared</div>
  </div>
  <div class="side">
    <h4>On the canvas</h4><div class="used"></div>
    <input class="sought" type="search" placeholder="Find a prototype" aria-label="find a prototype">
    <div class="list" role="group" aria-label="prototypes"></div>
  </div>
</div>
"""


class CanvasView(Scripted):
    """Its value is what is painted, as the browser has it; `Drawing.read` reads it.

    The server sets `palette`, `scene` and `picture`, with what the functions of these names return, and changes
    `wanted` where the view is to ask for them anew. Events: "open", "sketch", "rest", "hand" with `n`, and "where" with
    `x` and `y`.
    """

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value,
            html=TOOLS + BODY,
            css=(HERE / "canvas_view.css").read_text(),
            script="".join((HERE / name).read_text() for name in SCRIPTS),
            **{name: "" for name in SENT} | kwargs,
        )


def sends(**values: str) -> dict:
    """An update of the view that sends it some of `SENT`, and leaves the rest as it is."""
    named: dict[str, Any] = dict(values)
    return gr.update(**named)


def palette(shown_set: ShownSet, *, live: bool, brush: float) -> str:
    """The prototypes to paint with, those that are not muted. `live`: sketches are made while the hand moves.

    `brush`: how wide it is when a model is painted with for the first time, as a part of the canvas's longer side.
    """
    ids = [k for k in shown_set.order if not shown_set.prototypes.get(k).muted]
    items = [
        {"id": k, "name": shown_set.names[k], "colour": shown_set.colours[k], "tile": i} for i, k in enumerate(ids)
    ]
    return json.dumps(
        {
            "model": shown_set.studio.name,
            "items": items,
            "first": ids[0],
            "sheet": encoded(tiled(shown_set.pictures(ids), COLUMNS), lossy=True),
            "columns": COLUMNS,
            "rows": -(-len(ids) // COLUMNS),
            "side": int(shown_set.studio.map.images.shape[-1]),
            "live": live,
            "brush": brush,
        }
    )


def scene(drawing: Drawing, *, paint: bool, keep: bool = True) -> str:
    """A drawing to go on with. paint: there is no picture of it yet. keep: what was there before can be had back."""
    return json.dumps({**drawing.packed(), "paint": paint, "keep": keep, "revision": time.time_ns()})


def picture(image: np.ndarray, kind: str, n: int | None = None) -> str:
    """A painted picture, uint8 (C, H, W), of mask number `n`: a "sketch", a "step", the "final" one; or one "shown"."""
    shown = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
    url = encoded(shown, lossy=kind in ("sketch", "step"))
    value = {"kind": kind, "url": url, "revision": time.time_ns()}  # the same picture again is news as well
    return json.dumps(value if n is None else value | {"n": n})


def encoded(image: Image.Image, *, lossy: bool) -> str:
    """A picture as a data URL: JPEG where it is soon replaced or small, PNG where every pixel counts."""
    buffer, kind = io.BytesIO(), "jpeg" if lossy else "png"
    image.save(buffer, kind, **({"quality": 88} if lossy else {"compress_level": 1}))
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
