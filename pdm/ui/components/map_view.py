"""The prototype map as a Gradio component: drawn in the browser; only ids and places travel."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import numpy as np
import torch

from pdm.app.refit import Layout
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.map.class_places import class_places
from pdm.map.projection import kind_of
from pdm.map.real_images import CACHE
from pdm.support.paths import ASSETS
from pdm.ui.components.plotly_js import HEAD, PLOTLY_JS
from pdm.ui.components.scripted import Scripted
from pdm.ui.components.served import url_of

HERE = Path(__file__).parent
SCRIPTS = ("map_dots.js", "map_hand.js", "map_keys.js", "map_touch.js", "map_tour.js", "map_view.js")
TOOLS = """
<div class="tools">
  <span role="group" aria-label="colour">
    <button type="button" data-colour="class" aria-pressed="true">Class</button>
    <button type="button" data-colour="prototype" aria-pressed="false">Prototype</button>
    <button type="button" data-colour="usage" aria-pressed="false">Usage</button>
    <button type="button" data-colour="moved" aria-pressed="false">Moved</button>
  </span>
  <span role="group" aria-label="drag">
    <button type="button" data-drag="pan" aria-pressed="true">Pan</button>
    <button type="button" data-drag="lasso" aria-pressed="false">Lasso</button>
  </span>
  <span role="group" aria-label="layers">
    <button type="button" data-layer="pictures" aria-pressed="false">Pictures</button>
    <button type="button" data-layer="density" aria-pressed="false">Density</button>
  </span>
  <label>hide rarely used <input type="range" data-least min="0" max="100" value="0"></label>
  <span role="group" aria-label="zoom">
    <button type="button" data-zoom="0.6" aria-label="zoom in">+</button>
    <button type="button" data-zoom="1.67" aria-label="zoom out">&minus;</button>
    <button type="button" data-zoom="fit">Fit</button>
  </span>
</div>
"""
FRAME = """
<div class="frame">
  <canvas></canvas>
  <div class="plot" tabindex="0" role="application" aria-label="Map of prototypes" aria-describedby="map-keys"></div>
  <div class="ring"></div>
  <p class="keys" id="map-keys">
    Arrows: next star. Enter: paint it. Shift and arrows: move it; Enter leaves it, Escape takes it back.
  </p>
  <div class="said" role="status"></div>
  <div class="wait">Drawing the map</div>
  <div class="card"><span></span><b></b><small></small><img alt=""></div>
  <div class="turn" role="status">Your turn: drag any star</div>
</div>
"""


class MapView(Scripted):
    """Draws `base`, which `map_base` makes and which is sent once for each model, and over it `value`, which
    `map_state` makes and which is sent at each change. `found` are the ids of the stars that a search has found, `look`
    pictures of the star that was asked about last, {"id", "sheet"}, and `tour` the path {"id", "path"} that a star is
    drawn along for a new visitor.

    `base` is not a parameter here: Gradio would take it for one of the events, whose names the script quotes.
    """

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value,
            html=TOOLS + FRAME,
            css=(HERE / "map_view.css").read_text(),
            script="".join((HERE / name).read_text() for name in SCRIPTS),
            head=HEAD,
            **kwargs,
        )


def served_files(assets: Path = ASSETS) -> list[str | Path]:
    """The only files the browser may fetch: Plotly, the models' sprite sheets, and those made of real images."""
    return [PLOTLY_JS, *sorted(assets.glob("*/map/images*.*")), CACHE]


def map_base(studio: Studio, layout: Layout | None = None) -> dict:
    """Everything about a model's map that no edit changes: dots, classes, their colours and the sprite sheet.

    Places, labels and nearest prototypes of the dots are packed; places count in 1/65535 of the map's width and height.
    """
    m = studio.map
    x, y = (layout or m).xy.T
    xrange, yrange = _range(x), _range(y)
    return {
        "model": studio.name,
        "generated": m.generated,
        "kind": kind_of(m.generated, 1),
        "x": _packed(_steps(x, xrange), "<u2"),
        "y": _packed(_steps(y, yrange), "<u2"),
        "xrange": xrange,
        "yrange": yrange,
        "labels": _packed(m.labels, "<i2"),
        "nearest": _packed(studio.shown_set().nearest, "<i4"),
        "classNames": list(m.class_names),
        "classColours": studio.class_colours,
        "classes": [
            {"name": m.class_names[c], "x": place[0], "y": place[1]}
            for c, place in class_places((layout or m).xy, m.labels).items()
        ],
        "sheet": {
            "urls": [url_of(str(path)) for path in m.sheets],
            "url": url_of(str(m.sheet)),
            "columns": m.grid.columns,
            "perSheet": m.grid.per_sheet,
            "count": len(m),
        },
    }


def map_state(
    shown_set: ShownSet,
    star: int | None = None,
    images: list[int] | None = None,
    query: tuple[float, float] | None = None,
) -> dict:
    """A visitor's stars, and what is picked out on the map: one star, some images, or the place of a picture."""
    return {
        "stars": stars(shown_set),
        "nearest": _changed(shown_set),
        "star": star,
        "images": images or [],
        "query": {"x": query[0], "y": query[1]} if query else None,
        "revision": time.time(),
    }


def stars(shown_set: ShownSet) -> list[dict]:
    """Each prototype as the map draws it.

    Of one that was moved, `ghost` is its old place and `moved` how far it went in feature space, 1 for the furthest.
    """
    home, moved = shown_set.studio.shown_set(layout=shown_set.layout), shown_set.prototypes.moved(shown_set.studio.base)
    top = max(shown_set.shares.values()) or 1
    furthest = max(moved.values(), default=0) or 1
    return [
        {
            "id": k,
            "name": shown_set.names[k],
            "x": round(shown_set.xy[k][0], 3),
            "y": round(shown_set.xy[k][1], 3),
            "colour": shown_set.colours[k],
            "cover": shown_set.covers[k],
            "share": f"{100 * shown_set.shares[k]:.1f} %",
            "muted": shown_set.prototypes.get(k).muted,
            "usage": round(shown_set.shares[k] / top, 3),
            "moved": round(moved.get(k, 0) / furthest, 3),
            "ghost": [round(v, 3) for v in home.xy[k]] if moved.get(k) else None,
        }
        for k in shown_set.prototypes.ids
    ]


def _changed(shown_set: ShownSet) -> dict[str, str]:
    """The dots whose nearest prototype is no longer that of `map_base`, and its id. Most edits change few of them."""
    ids, home = (np.array(v.nearest, "<i4") for v in (shown_set, shown_set.studio.shown_set()))
    rows = (ids != home).nonzero()[0]
    return {"rows": _packed(rows, "<i4"), "ids": _packed(ids[rows], "<i4")}


def _range(values: torch.Tensor, pad: float = 0.6) -> list[float]:
    return [float(values.min()) - pad, float(values.max()) + pad]


def _steps(values: torch.Tensor, ends: list[float]) -> np.ndarray:
    low, high = ends
    return np.rint((values.double().numpy() - low) / (high - low) * 65535)


def _packed(values, kind: str) -> str:
    """Numbers as base64, for one of the browser's typed arrays. `kind`: of numpy, such as "<u2"."""
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()
