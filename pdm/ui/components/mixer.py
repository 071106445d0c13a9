"""The picked prototypes, each with a slider for its weight."""

from __future__ import annotations

from pathlib import Path

from pdm.app.shown_set import ShownSet
from pdm.ui.components.picture_grid import data_url
from pdm.ui.components.scripted import NAMES, NAMES_CSS, Scripted

CSS = """
.note { color: var(--body-text-color-subdued); font-size: 14px; }
.note:empty { display: none; }
.mixer .row {
  display: grid; grid-template-columns: 32px minmax(84px, 1fr) minmax(70px, 2fr) 44px 32px; gap: 10px;
  align-items: center; padding: 3px 0;
}
.mixer img { width: 32px; height: 32px; border-radius: 5px; image-rendering: pixelated; }
.mixer .name { font-size: 13px; }
.mixer .name i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 5px; }
.mixer input { width: 100%; min-width: 0; accent-color: var(--color-accent); }
.mixer output { font-size: 13px; text-align: right; font-variant-numeric: tabular-nums; }
.mixer button {
  width: 32px; height: 32px; border: 0; border-radius: 6px; background: none; color: var(--body-text-color-subdued);
  font-size: 18px; cursor: pointer;
}
.mixer button:hover { background: var(--background-fill-secondary); color: var(--body-text-color); }
"""
EMPTY = "Nothing picked: each picture gets a random mix. Pick some to steer."


class Mixer(Scripted):
    """Shows what `mix` returns.

    Events: "mix" with `ids` and `weights`, and "mixing" while a weight is moved, for
    models that can paint meanwhile; "drop" with `id`.
    """

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value or {"items": [], "weights": [], "empty": EMPTY},
            html='<div class="note"></div><div class="mixer"></div>',
            css=CSS + NAMES_CSS,
            script=NAMES + Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )


def mix(shown_set: ShownSet, ids: list[int], weights: list[float]) -> dict:
    """The value of a Mixer for picked prototypes and their weights, each 0 to 1."""
    items = [
        {
            "id": k,
            "name": shown_set.names[k],
            "colour": shown_set.colours[k],
            "picture": data_url(shown_set.studio.picture(shown_set.covers[k])),
        }
        for k in ids
    ]
    return {"items": items, "weights": [round(w, 4) for w in weights], "empty": EMPTY}
