"""The prototypes that a search has found, in a row; each can be opened."""

from __future__ import annotations

from pathlib import Path

from pdm.app.shown_set import ShownSet
from pdm.ui.components.picture_grid import data_url
from pdm.ui.components.scripted import Scripted

CSS = """
.row { display: flex; gap: 6px; align-items: center; min-height: 42px; overflow-x: auto; scrollbar-width: thin; }
.row p { margin: 0; font-size: 13px; color: var(--body-text-color-subdued); white-space: nowrap; }
.row button {
  display: flex; gap: 7px; align-items: center; flex: none; padding: 3px 10px 3px 3px; cursor: pointer;
  border: 1px solid var(--border-color-primary); border-radius: 8px; background: none; color: var(--body-text-color);
  font: inherit; font-size: 13px; white-space: nowrap;
}
.row button:hover { background: var(--background-fill-secondary); }
.row button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: -2px; }
.row span { max-width: 190px; overflow: hidden; text-overflow: ellipsis; }
.row img { width: 30px; height: 30px; border-radius: 6px; image-rendering: pixelated; }
"""
SHOWN = 4


class FoundList(Scripted):
    """Shows what `found` returns. Events: "open" with `id`."""

    def __init__(self, text: str, **kwargs):
        super().__init__(
            {"items": [], "text": text},
            html='<div class="row" role="status"></div>',
            css=CSS,
            script=Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )


def found(shown_set: ShownSet, ids: list[int], none: str = "") -> dict:
    """The value of a FoundList: the first prototypes found, and how many more; the text `none` if there are none."""
    items = [
        {"id": k, "name": shown_set.names[k], "picture": data_url(shown_set.studio.picture(shown_set.covers[k]))}
        for k in ids[:SHOWN]
    ]
    more = f"and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return {"items": items, "text": more if ids else none}
