"""The scripts before all others: a page opens though the server is busy, or the browser kept much or may keep nothing,
the address says which tab is open, large pictures are sent as small ones, keys go from tab to tab, a picture may be
dropped on Generate, the key F keeps one, a prototype under the pointer tints its part, and pictures have names."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

FIRST = ("memory_storage", "tab_address")  # ahead of Gradio's own, which they change the page for
OTHERS = ("small_pictures", "tab_keys", "drawer", "drop_recipe", "keep_key", "tint", "image_names")
MOST_UPLOAD = 5_000_000  # bytes of a file that the server takes
MOST_PICTURE = 50_000_000  # of a picture, which the browser makes small before
TOO_LARGE = "too large"  # what the page sends, or the browser keeps, instead of edits that take too much room


def first() -> str:
    """HTML for the end of the head: it runs before what Gradio loads, and finds its configuration."""
    return "<script>" + "".join(Path(__file__).with_name(f"{name}.js").read_text() for name in FIRST) + "</script>"


def script(page: gr.Blocks, most: int, uploads: int = MOST_UPLOAD) -> str:
    """HTML for the page's head. `most`: the bytes that a request may have; `uploads`: those of a file."""
    opening = {
        number: [place for place, block in enumerate(fn.inputs) if isinstance(block, gr.BrowserState)]
        for number, fn in page.fns.items()
        if any(event == "load" for _, event in fn.targets)
    }
    values = {"opening": opening, "most": most, "tooLarge": TOO_LARGE}
    values |= {"mostUpload": uploads, "mostPicture": MOST_PICTURE}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    here = Path(__file__)
    code = here.with_suffix(".js").read_text()
    others = "".join(here.with_name(f"{name}.js").read_text() for name in OTHERS)
    return f"<script>{{\n{constants}{code}{others}}}</script>"
