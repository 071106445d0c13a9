"""The prototype map as a Gradio component: Plotly in the browser, ids and places on the wire."""

from __future__ import annotations

import time
from pathlib import Path

import gradio as gr
import plotly

from pdm.studio import ASSETS, Studio

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
TOOLS = """
<div class="tools">
  <span role="group" aria-label="colour">
    <button type="button" data-colour="class" aria-pressed="true">Class</button>
    <button type="button" data-colour="prototype" aria-pressed="false">Prototype</button>
  </span>
  <span role="group" aria-label="drag">
    <button type="button" data-drag="pan" aria-pressed="true">Move</button>
    <button type="button" data-drag="lasso" aria-pressed="false">Lasso</button>
  </span>
  <span role="group" aria-label="zoom">
    <button type="button" data-zoom="0.6" aria-label="zoom in">+</button>
    <button type="button" data-zoom="1.67" aria-label="zoom out">&minus;</button>
    <button type="button" data-zoom="fit">Fit</button>
  </span>
</div>
"""


class MapView(gr.HTML):
    """The prop `base` is what `map_base` returns, sent once a model; `value` what `map_state` does, at each change.

    `base` stays out of the signature: Gradio would take it for one of the events that the script quotes.
    """

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value=value or map_state(),
            html_template=TOOLS + '<div class="frame"><div class="plot"></div><div class="wait">drawing the map</div>'
            '<div class="card"><span></span><b></b><small></small></div></div>',
            css_template=Path(__file__).with_suffix(".css").read_text(),
            js_on_load=Path(__file__).with_suffix(".js").read_text(),
            head=f'<script src="/gradio_api/file={PLOTLY_JS}"></script>',
            apply_default_css=False,
            **kwargs,
        )


def served_files() -> list[Path]:
    """The only files the browser may fetch: Plotly and the sprite sheets of the maps."""
    return [PLOTLY_JS, *sorted(ASSETS.glob("*/map/images.png"))]


def map_base(studio: Studio) -> dict:
    """Everything about a model's map that never changes: dots, stars, names, colours and the sprite sheet."""
    m = studio.map
    x, y = m.xy.T
    pad = 0.6
    stars = studio.prototype_xy
    return {
        "model": studio.name,
        "x": _rounded(x),
        "y": _rounded(y),
        "xrange": [float(x.min()) - pad, float(x.max()) + pad],
        "yrange": [float(y.min()) - pad, float(y.max()) + pad],
        "labels": m.labels.tolist(),
        "nearest": studio.nearest_prototype.tolist(),
        "classNames": list(m.class_names),
        "classColours": studio.class_colours,
        "classes": [
            {"name": name, "x": float(x[m.labels == c].median()), "y": float(y[m.labels == c].median())}
            for c, name in enumerate(m.class_names)
            if (m.labels == c).any()
        ],
        "prototypes": {
            "x": _rounded(stars[:, 0]),
            "y": _rounded(stars[:, 1]),
            "names": studio.names,
            "colours": studio.colours,
            "covers": studio.covers,
            "shares": [f"{100 * u:.1f} %" for u in studio.usage],
        },
        "sheet": {
            "url": f"/gradio_api/file={ASSETS / studio.name / 'map' / 'images.png'}",
            "columns": 100,
            "count": len(m),
        },
    }


def map_state(
    star: int | None = None, images: list[int] | None = None, query: tuple[float, float] | None = None
) -> dict:
    """What is picked out on the map: one star, some images, the place of an uploaded picture."""
    return {
        "star": star,
        "images": images or [],
        "query": {"x": query[0], "y": query[1]} if query else None,
        "revision": time.time(),
    }


def _rounded(values) -> list[float]:
    return [round(v, 3) for v in values.tolist()]
