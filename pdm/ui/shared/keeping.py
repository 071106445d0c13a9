"""Keeping a visitor's set: a file to download and load, and a copy in the browser that survives a reload."""

from __future__ import annotations

import base64
from pathlib import Path

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.editing.history import EditHistory
from pdm.editing.set_file import from_delta, load_set, set_bytes, to_delta
from pdm.ui.guard.blocks import plain
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.session import VisitorSets

STORAGE_KEY = "prototype-sets"
STORAGE_SECRET = "prototype-sets"  # keeps the stored text readable after a restart; it guards nothing
RESTORED = "brought back from this browser"
# A download that starts with the click that asked for it: a file's bytes become a link, and the link is followed.
DOWNLOAD = """
file => {
  if (!file?.name) return;
  const bytes = Uint8Array.from(atob(file.data), c => c.charCodeAt(0));
  const link = Object.assign(document.createElement('a'), {
    href: URL.createObjectURL(new Blob([bytes], {type: 'application/octet-stream'})), download: file.name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
"""


def packed_set(studio: Studio, sets: VisitorSets) -> dict:
    """The visitor's set as a file for `DOWNLOAD`."""
    history = sets.history(studio)
    data = set_bytes(history.now, history.done)
    return {
        "name": f"{studio.name}-{history.now.digest}.safetensors",
        "data": base64.b64encode(data).decode(),
    }


def loaded(studio: Studio, history: EditHistory, path: str) -> EditHistory:
    """The history after loading a set's file, which is an edit that can be undone. Raises gr.Error for a wrong file."""
    prototypes, _ = or_gr_error(load_set, Path(path), studio.base)
    return history.do(f"loaded {len(prototypes.ids)} prototypes from a file", prototypes)


def loaded_set(studio: Studio, sets: VisitorSets, path: str) -> VisitorSets:
    """The visitor's sets with one loaded from a file."""
    return sets.put(studio, loaded(studio, sets.history(studio), path))


def stored(library: Library, sets: VisitorSets) -> dict:
    """What the browser keeps: for each edited model, how its set differs from the model's own."""
    kept = {}
    for name, history in sets.histories:
        base = library.get(name).base
        if history.now != base:
            kept[name] = to_delta(history.now, base)
    return kept


def restored(library: Library, kept: object) -> VisitorSets:
    """The inverse of `stored`: each set as one edit of the model's own.

    A set that no longer fits its model is left out with a warning; one of a model that is gone, without.
    """
    sets = VisitorSets()
    for name, delta in kept.items() if isinstance(kept, dict) else ():
        if name not in library.names:
            continue
        studio = library.get(name)
        try:
            prototypes = from_delta(delta, studio.base)
        except ValueError as error:
            gr.Warning(plain(f"The prototypes kept in this browser could not be used: {error}"))
            continue
        sets = sets.put(studio, EditHistory.start(studio.base).do(RESTORED, prototypes))
    return sets
