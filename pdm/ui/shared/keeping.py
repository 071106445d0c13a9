"""Keeping a visitor's set: a file to download and load, and a copy in the browser that survives a reload."""

from __future__ import annotations

import base64
import json

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import MAX_BYTES, check_same_model, from_delta, read_set, set_bytes, to_delta
from pdm.ui.components.page_load import TOO_LARGE
from pdm.ui.guard.blocks import plain
from pdm.ui.guard.uploads import NOT_UPLOADED
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.session import VisitorSets

STORAGE_KEY = "prototype-sets"
STORAGE_SECRET = "prototype-sets"  # keeps the stored text readable after a restart; it guards nothing
KEPT = 1_500_000  # bytes of JSON that the browser keeps: a page that opens sends them all in one request
RESTORED = "brought back from this browser"
NOT_KEPT = "The edits of {} take too much room for this browser to keep; download the set, or a reload loses them."
LEFT_OUT = (
    "The edits kept in this browser took too much room and were left out; load the set from a file if you have one."
)
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
    prototypes = or_gr_error(_read, path, studio.base)
    return history.do(f"loaded {len(prototypes.ids)} prototypes from a file", prototypes)


def _read(path: str, base: PrototypeSet) -> PrototypeSet:
    """The set in an uploaded file. Raises ValueError, which does not say where the server keeps the file."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(NOT_UPLOADED) from error
    found = read_set(raw)[0]
    if found.model_hash != base.model_hash:
        raise ValueError(f"This set was made with another model, {found.model}. Choose that model first, then load it.")
    check_same_model(found, base)
    return found


def loaded_set(studio: Studio, sets: VisitorSets, path: str) -> VisitorSets:
    """The visitor's sets with one loaded from a file."""
    return sets.put(studio, loaded(studio, sets.history(studio), path))


def stored(library: Library, sets: VisitorSets) -> dict:
    """What the browser keeps: for each edited model, how its set differs from the model's own.

    Where they take too much room, `TOO_LARGE` stands for the largest ones, and the edit that made one so large warns.
    """
    kept: dict = {}
    for name, history in sets.histories:
        base = library.get(name).base
        if history.now != base:
            kept[name] = to_delta(history.now, base)
    sizes = {name: _size(delta) for name, delta in kept.items()}
    for name in sorted(kept, key=lambda name: -sizes[name]):
        room = KEPT - sum(size for other, size in sizes.items() if other != name)
        if sizes[name] > room:
            kept[name], sizes[name] = TOO_LARGE, len(TOO_LARGE)
            _warn_of_first(library.get(name), sets, room)
    return kept


def _warn_of_first(studio: Studio, sets: VisitorSets, room: int) -> None:
    """Say that a set is too large to be kept, unless it was so before the last edit: then it has been said."""
    history = sets.history(studio)
    if history.index == 0 or _size(to_delta(history.undo().now, studio.base)) <= room:
        gr.Warning(plain(NOT_KEPT.format(studio.name)))


def _size(value: object) -> int:
    """Bytes of the JSON that a browser makes of it."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def restored(library: Library, kept: object) -> VisitorSets:
    """The inverse of `stored`: each set as one edit of the model's own.

    A set that no longer fits its model, or was too large, is left out with a warning; one of a model that is gone,
    without. `TOO_LARGE` instead of all: the browser kept more than a page may send.
    """
    sets = VisitorSets()
    if kept == TOO_LARGE or (isinstance(kept, dict) and TOO_LARGE in kept.values()):
        gr.Warning(LEFT_OUT)
    for name, delta in kept.items() if isinstance(kept, dict) else ():
        if name not in library.names or delta == TOO_LARGE:
            continue
        studio = library.get(name)
        try:
            prototypes = from_delta(delta, studio.base)
        except ValueError as error:
            gr.Warning(plain(f"The prototypes kept in this browser could not be used: {error}"))
            continue
        sets = sets.put(studio, EditHistory.start(studio.base).do(RESTORED, prototypes))
    return sets
