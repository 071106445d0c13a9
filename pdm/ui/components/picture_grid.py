"""A grid of small pictures, enlarged and crisp, each of which can be picked."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from pdm.data.tiles import tiled
from pdm.ui.components.scripted import NAMES, NAMES_CSS, Scripted

CSS = """
.pictures {
  display: grid; gap: 6px; align-content: start;
  grid-template-columns: repeat(auto-fill, minmax(min(var(--cell), 29%), 1fr));
  &.fixed { grid-template-columns: repeat(var(--across), minmax(0, 1fr)); }
  .cell {
    display: flex; flex-direction: column; gap: 3px; padding: 4px; margin: 0; min-width: 0; text-align: left;
    border: 2px solid transparent; border-radius: 10px; background: none; color: var(--body-text-color); font: inherit;
  }
  button.cell { cursor: pointer; }
  button.cell:hover { background: var(--background-fill-secondary); }
  button.cell:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 1px; }
  .cell.off .tile { filter: grayscale(1); opacity: 0.35; }
  .cell.twin { border-color: var(--border-color-accent); background: var(--background-fill-secondary); }
  .cell.chosen { border-color: var(--color-accent); background: var(--background-fill-secondary); }
  .tile {
    aspect-ratio: 1; width: 100%; border-radius: 6px; background-color: #000; background-image: var(--sheet);
    image-rendering: pixelated;
  }
  .title, .caption { line-height: 1.35; }
  .caption { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .title { font-size: 12.5px; }
  .title i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 5px; }
  .caption { font-size: 12px; color: var(--body-text-color-subdued); }
  .share { height: 3px; border-radius: 2px; background: linear-gradient(
    90deg, var(--hue, var(--color-accent)) calc(var(--share) * 100%), var(--border-color-primary) 0); }
}
.empty { color: var(--body-text-color-subdued); font-size: 14px; }
.empty:empty { display: none; }
"""


@dataclass(frozen=True)
class Item:
    """One picture: `id` is what a pick reports; `bar` (0 to 1) is drawn as a share under it; `off`: not to be used.

    `named`: its title is a name, which no language changes; one with a `colour` is that of a prototype and so, too.
    """

    id: int
    title: str = ""
    caption: str = ""
    colour: str = ""
    bar: float | None = None
    off: bool = False
    named: bool = False


class PictureGrid(Scripted):
    """Shows what `pictures` returns. Events: "pick" with `id`, and `turn` by which `Turns` knows the latest."""

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value or pictures(None, []),
            html='<div class="empty"></div><div class="pictures"></div>',
            css=CSS + NAMES_CSS,
            script=NAMES + Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )


def pictures(
    images: torch.Tensor | None,
    items: list[Item],
    *,
    cell: int = 92,
    across: int | None = None,
    selected: list[int] | None = None,
    empty: str = "",
    still: bool = False,
    hold: bool = False,
) -> dict:
    """The value of a PictureGrid: uint8 images (B, C, H, W), one per item.

    Cells are at least `cell` pixels wide, or `across` of them share a row. `still` grids can't be picked from.
    hold: the grid stays as tall as it was, so that what is below keeps its place.
    """
    sheet, columns, rows = "", 1, 1
    if images is not None and len(images):
        sheet, columns, rows = sprite(images)
    return {
        "sheet": sheet,
        "columns": columns,
        "rows": rows,
        "items": [{k: v for k, v in vars(item).items() if v not in ("", None) and v is not False} for item in items],
        "selected": selected or [],
        "cell": cell,
        "across": across,
        "empty": empty,
        "still": still,
        "hold": hold,
    }


def sprite(images: torch.Tensor) -> tuple[str, int, int]:
    """uint8 (B, C, H, W) -> one PNG as a data URL, and how many columns and rows it has."""
    columns = min(len(images), 8)
    return data_url(tiled(images, columns)), columns, -(-len(images) // columns)


def data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
