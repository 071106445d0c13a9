"""Named endpoints that edit a client's own prototype set: /edit, /undo, /redo, /save_set and /load_set."""

# No `from __future__ import annotations` here: Gradio reads the endpoints' real types, not their text.
import json
from collections.abc import Callable

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.editing.edits import apply
from pdm.editing.history import EditHistory
from pdm.editing.set_file import set_bytes
from pdm.ui.api.clients import Clients
from pdm.ui.shared.downloads import endpoint_file
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.keeping import loaded
from pdm.ui.shared.session import VisitorSets


def build(library: Library, clients: Clients) -> None:
    """Add the endpoints to the page being built."""
    api(edit_endpoint(library, clients), api_name="edit", queue=False)
    api(undo_endpoint(library, clients), api_name="undo", queue=False)
    api(redo_endpoint(library, clients), api_name="redo", queue=False)
    api(save_set_endpoint(library, clients), api_name="save_set", queue=False)
    api(load_set_endpoint(library, clients), api_name="load_set", queue=False)


def _changed(
    clients: Clients,
    asker: gr.Request,
    studio: Studio,
    change: Callable[[EditHistory], EditHistory],
    *,
    anew: bool = False,
) -> dict:
    """Change a client's set of one model; returns it as the endpoints do."""

    def changed(sets: VisitorSets) -> tuple[VisitorSets, dict]:
        history = change(sets.history(studio))
        return sets.put(studio, history), described(history)

    return clients.change(asker, changed, anew=anew)


def edit_endpoint(library: Library, clients: Clients) -> Callable:
    def edit(asker: gr.Request, operation: str, arguments: str = "{}", model: str = library.default) -> dict:
        """Change this session's prototypes. Returns the set: digest, what was done, and the prototypes.

        operation: move, blend, analogy, merge, split, add, duplicate, remove, mute, solo, rename, tag, scale or reset.
        arguments: JSON, such as {"id": 3, "point": [1.5, -2]} for move or {"ids": [3, 17]} for merge.
        """
        studio = or_gr_error(library.get, model)
        given = or_gr_error(_arguments, arguments)

        def change(history: EditHistory) -> EditHistory:
            prototypes, sentence = or_gr_error(apply, history.now, operation, given, studio.edit_context)
            return history.do(sentence, prototypes)

        return _changed(clients, asker, studio, change, anew=operation == "reset")

    return edit


def undo_endpoint(library: Library, clients: Clients) -> Callable:
    def undo(asker: gr.Request, model: str = library.default) -> dict:
        """Take back the last edit of this session. Returns the set."""
        studio = or_gr_error(library.get, model)
        return _changed(clients, asker, studio, EditHistory.undo)

    return undo


def redo_endpoint(library: Library, clients: Clients) -> Callable:
    def redo(asker: gr.Request, model: str = library.default) -> dict:
        """Do again what was taken back. Returns the set."""
        studio = or_gr_error(library.get, model)
        return _changed(clients, asker, studio, EditHistory.redo)

    return redo


def save_set_endpoint(library: Library, clients: Clients) -> Callable:
    def save_set(asker: gr.Request, model: str = library.default) -> FileData:
        """This session's set as one .safetensors file, which the page, the library and the command line load."""
        studio = or_gr_error(library.get, model)
        history = clients.of(asker).history(studio)
        name = f"{studio.name}-{history.now.digest}.safetensors"
        return endpoint_file(set_bytes(history.now, history.done), name, "application/octet-stream")

    return save_set


def load_set_endpoint(library: Library, clients: Clients) -> Callable:
    def load_set_(asker: gr.Request, file: FileData, model: str = library.default) -> dict:
        """Make an uploaded set file this session's set. Returns the set."""
        studio = or_gr_error(library.get, model)
        path = file["path"] if isinstance(file, dict) else file.path
        return _changed(clients, asker, studio, lambda history: loaded(studio, history, path), anew=True)

    return load_set_


def _arguments(text: str) -> dict:
    try:
        values = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"arguments: expected a JSON object, got text that is none ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"arguments: expected a JSON object, got {type(values).__name__}")
    return values


def described(history: EditHistory) -> dict:
    """A set as JSON: its digest, the edits that made it, and what each prototype is."""
    prototypes = history.now
    return {
        "prototype_set": prototypes.digest,
        "edits": list(history.done),
        "prototypes": [
            {
                "id": p.id,
                "name": p.name,
                "tags": list(p.tags),
                "share": round(p.usage, 5),
                "scale": p.scale,
                "muted": p.muted,
            }
            for p in prototypes.prototypes
        ],
    }
