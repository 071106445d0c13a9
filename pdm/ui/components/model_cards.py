"""The models as cards: a title, how long each was trained, and some of what it has on its map."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path

from PIL import Image

from pdm.app.library import Library
from pdm.app.studio import TITLES
from pdm.map.projection import SHEETS
from pdm.pipelines.card import denoiser_card
from pdm.ui.components.picture_grid import data_url
from pdm.ui.components.scripted import Scripted

SHOWN = 4  # pictures on a card
CSS = """
.row { display: flex; gap: 8px; overflow-x: auto; scrollbar-width: thin; }
.row button {
  display: flex; gap: 10px; align-items: center; flex: none; padding: 5px 12px 5px 5px; cursor: pointer;
  border: 1px solid var(--border-color-primary); border-radius: 10px; background: none; color: var(--body-text-color);
  font: inherit; font-size: 14px; line-height: 1.25; text-align: left; white-space: nowrap;
}
.row small {
  display: block; max-width: 158px; white-space: normal; font-size: 12px; font-weight: 400;
  color: var(--body-text-color-subdued);
}
.row button:hover { background: var(--background-fill-secondary); }
.row button[aria-pressed="true"] { background: var(--color-accent-soft); font-weight: 600; }
.row button[aria-busy="true"] small { color: inherit; }
.row button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: -2px; }
.row .strip { width: 128px; height: 32px; border-radius: 6px; image-rendering: pixelated; }
@media (max-width: 640px) { .row .strip { width: 64px; object-fit: cover; object-position: left; } }
"""


class ModelCards(Scripted):
    """Shows what `cards` returns. A pressed card says at once that its model is being loaded, and covers the tabs.

    Events: "choose", and "turn" before it, which never waits for a choice that is still being followed. The value
    then names what is wanted; `choice` reads it. The cover goes when the server answers that turn with `cards`.
    """

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value,
            html='<div class="row" role="group" aria-label="model"></div>',
            css=CSS,
            script=Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )


def choice(value: str | None, names: Collection[str]) -> tuple[str, int]:
    """The model that a visitor wants and how many choices there were, from the value that ModelCards sends.

    Raises ValueError where it names no model.
    """
    try:
        wanted = json.loads(value or "null")
        name, turn = wanted["chosen"], wanted["turn"]
    except (ValueError, TypeError, KeyError, RecursionError):
        name, turn = "", 0
    if name not in names or isinstance(turn, bool) or not isinstance(turn, int):
        raise ValueError(f"model: expected one of {', '.join(names)}, got none of them")
    return name, turn


def cards(library: Library, chosen: str, *, turn: int = 0, pictures: bool = True) -> dict:
    """The value of ModelCards: every model, with the chosen one marked. No model is loaded for it.

    `turn`: the number of the visitor's choice that this answers. Without `pictures` their places stay empty: to cut
    them out of the maps takes a second, once.
    """
    models = [
        {
            "name": name,
            "title": TITLES.get(name, name),
            "seen": seen(library.assets / name / "pdm"),
            "strip": strip(library.assets / name / "map") if pictures else None,
        }
        for name in library.names
    ]
    return {"models": models, "chosen": chosen, "turn": turn}


@cache
def seen(pipeline: Path) -> str:
    """What the training card in a folder says of how long; empty where there is none that does."""
    try:
        return f"Trained on {denoiser_card(pipeline)['images_seen']:,} images (repeats counted)"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


@cache
def strip(folder: Path) -> str:
    """Some pictures of a map side by side, as a data URL; empty where the folder's map cannot be read."""
    try:
        meta = json.loads((folder / "map.json").read_text())
        width, height = meta["tile"]
        with Image.open(folder / SHEETS[meta.get("lossy", False)]) as sheet:
            row = sheet.crop((0, 0, width * min(SHOWN, meta["columns"], meta["images"]), height))
        return data_url(row)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
