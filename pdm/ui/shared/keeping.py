"""Keeping a visitor's set: a file to download and load, and a copy in the browser that survives a reload."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import MAX_BYTES, MAX_SENTENCE, check_same_model, from_delta, read_set, set_bytes, to_delta
from pdm.support.checks import expect, is_text, is_whole
from pdm.ui.components.page_load import TOO_LARGE
from pdm.ui.guard.blocks import plain
from pdm.ui.guard.uploads import NOT_UPLOADED
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.session import VisitorSets

STORAGE_KEY = "prototype-sets"
STORAGE_SECRET = "prototype-sets"  # keeps the stored text readable after a restart; it guards nothing
KEPT = 1_500_000  # bytes of JSON that the browser keeps: a page that opens sends them all in one request
MAX_STEPS = 40  # of one history
KEPT_STEPS = 300_000  # bytes of the steps of one history beside its current set: each edit sends them
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
    return packed_file(studio, history.now, history.done)


def packed_file(studio: Studio, prototypes: PrototypeSet, done: Sequence[str] = ()) -> dict:
    """A set and the sentences of its edits as a file for `DOWNLOAD`."""
    data = base64.b64encode(set_bytes(prototypes, done)).decode()
    return {"name": f"{studio.name}-{prototypes.digest}.safetensors", "data": data}


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
    """What the browser keeps: for each edited model the steps of its history, each as what differs from the one before.

    Old steps go where there are too many, or too much room is taken. Where even the current set takes too much,
    `TOO_LARGE` stands for the largest ones, and the edit that made one so large warns.
    """
    edited = {name: history for name, history in sets.histories if len(history.steps) > 1}
    kept: dict = {name: _packed(library.get(name).base, history, 1) for name, history in edited.items()}
    sizes = {name: _size(values) for name, values in kept.items()}
    for name in sorted(kept, key=lambda name: -sizes[name]):
        base, history = library.get(name).base, edited[name]
        room = KEPT - sum(size for other, size in sizes.items() if other != name)
        if sizes[name] > room:
            kept[name], sizes[name] = TOO_LARGE, len(TOO_LARGE)
            _warn_of_first(library.get(name), history, room)
            continue
        for count in (len(history.steps) - 1, MAX_STEPS, MAX_STEPS // 4):
            values = _packed(base, history, min(count, MAX_STEPS))
            if (size := _size(values)) <= min(room, sizes[name] + KEPT_STEPS):
                kept[name], sizes[name] = values, size
                break
    return kept


def _packed(base: PrototypeSet, history: EditHistory, count: int) -> dict:
    """At most `count` steps, the current one among them, and which of them it is; 0 stands for the model's own set."""
    first = max(1, min(history.index - count // 2, len(history.steps) - count))
    steps = history.steps[first : first + count]
    before, packed = base, []
    for sentence, prototypes in steps:
        packed.append([sentence[:MAX_SENTENCE], to_delta(prototypes, before)])
        before = prototypes
    return {"steps": packed, "at": max(0, history.index - first + 1)}


def _warn_of_first(studio: Studio, history: EditHistory, room: int) -> None:
    """Say that a set is too large to be kept, unless it was so before the last edit: then it has been said."""
    if history.index == 0 or _size(_packed(studio.base, history.undo(), 1)) <= room:
        gr.Warning(plain(NOT_KEPT.format(studio.name)))


def _size(value: object) -> int:
    """Bytes of the JSON that a browser makes of it."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def restored(library: Library, kept: object) -> VisitorSets:
    """The inverse of `stored`: the sets with the steps that can be undone and redone.

    A set that no longer fits its model, or was too large, is left out with a warning; one of a model that is gone,
    without. `TOO_LARGE` instead of all: the browser kept more than a page may send.
    """
    sets = VisitorSets()
    if kept == TOO_LARGE or (isinstance(kept, dict) and TOO_LARGE in kept.values()):
        gr.Warning(LEFT_OUT)
    for name, values in kept.items() if isinstance(kept, dict) else ():
        if name not in library.names or values == TOO_LARGE:
            continue
        studio = library.get(name)
        try:
            history = _unpacked(studio.base, values)
        except ValueError as error:
            gr.Warning(plain(f"The prototypes kept in this browser could not be used: {error}"))
            continue
        sets = sets.put(studio, history)
    return sets


def _unpacked(base: PrototypeSet, values: Any) -> EditHistory:
    """The history of a set; raises ValueError for anything that is none. A set alone, as was kept once, is one step."""
    alone = not isinstance(values, dict) or "steps" not in values
    steps, at = ([[RESTORED, values]], 1) if alone else (values["steps"], values.get("at"))
    expect("steps", steps, f"a list of 1 to {MAX_STEPS}", isinstance(steps, list) and 1 <= len(steps) <= MAX_STEPS)
    assert isinstance(steps, list)
    expect("at", at, "one of the steps", is_whole(at, 0, len(steps)))
    assert isinstance(at, int)
    found, before = list(EditHistory.start(base).steps), base
    for step in steps:
        expect("steps", step, "a sentence and a set", isinstance(step, list) and len(step) == 2)
        expect("sentence", step[0], "printable characters", is_text(step[0], MAX_SENTENCE))
        before = from_delta(step[1], before)
        found.append((step[0], before))
    return EditHistory(tuple(found), at)
