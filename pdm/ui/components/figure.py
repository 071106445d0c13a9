"""A figure as a Gradio component: drawn in the page's colours by the Plotly that draws the map.

A `gr.Plot` would replace that Plotly by Gradio's own, older one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pdm.ui.components.plotly_js import HEAD
from pdm.ui.components.scripted import Scripted

HERE = Path(__file__).parent
FRAME = """
<figure class="measured">
  <div class="plot" role="img"></div>
  <figcaption><b></b> <span></span> <small>Measured by <code></code></small></figcaption>
</figure>
"""


@dataclass(frozen=True)
class Drawing:
    """A figure's data and layout for Plotly, and the words under it. "var(--x)" stands for a colour of the page."""

    title: str
    caption: str
    command: str
    data: list[dict]
    layout: dict


class Figure(Scripted):
    """Shows what `figure` returns; without a value it is empty."""

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value,
            html=FRAME,
            css=(HERE / "figure.css").read_text(),
            script=(HERE / "figure.js").read_text(),
            head=HEAD,
            **kwargs,
        )


def figure(drawing: Drawing | None) -> dict | None:
    """The value of a Figure."""
    return None if drawing is None else vars(drawing)
