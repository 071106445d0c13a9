"""Named endpoints that edit a client's own prototype set: /edit, /undo, /redo, /save_set and /load_set."""

# No `from __future__ import annotations` here: Gradio reads the endpoints' real types, not their text.
import json
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache

from pdm.app.studio import Library, Studio
from pdm.editing.edits import apply
from pdm.editing.history import EditHistory
from pdm.editing.set_file import load_set, set_bytes
from pdm.ui.api.clients import Clients
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.session import VisitorSets


def build(library: Library, clients: Clients) -> None:
    """Add the endpoints to the page being built."""

    def changed(model: str, asker: gr.Request, change, *, anew: bool = False) -> dict:
        studio = or_gr_error(library.get, model)

        def done(sets: VisitorSets) -> tuple[VisitorSets, dict]:
            history = change(studio, sets.history(studio))
            return sets.put(studio, history), described(history)

        return clients.change(asker, done, anew=anew)

    def edit(operation: str, arguments: str = "{}", model: str = "fashion-mnist", asker: gr.Request = None) -> dict:
        """Change this session's prototypes. Returns the set: digest, what was done, and the prototypes.

        operation: move, blend, analogy, merge, split, add, duplicate, remove, mute, solo, rename, tag, scale or reset.
        arguments: JSON, such as {"id": 3, "point": [1.5, -2]} for move or {"ids": [3, 17]} for merge.
        """

        def change(studio: Studio, history: EditHistory) -> EditHistory:
            given = or_gr_error(_arguments, arguments)
            prototypes, sentence = or_gr_error(apply, history.now, operation, given, studio.edit_context)
            return history.do(sentence, prototypes)

        return changed(model, asker, change, anew=operation == "reset")

    def undo(model: str = "fashion-mnist", asker: gr.Request = None) -> dict:
        """Take back the last edit of this session. Returns the set."""
        return changed(model, asker, lambda studio, history: history.undo())

    def redo(model: str = "fashion-mnist", asker: gr.Request = None) -> dict:
        """Do again what was taken back. Returns the set."""
        return changed(model, asker, lambda studio, history: history.redo())

    def save_set(model: str = "fashion-mnist", asker: gr.Request = None) -> FileData:
        """This session's set as one .safetensors file, which the page, the library and the command line load."""
        studio = or_gr_error(library.get, model)
        history = clients.of(asker).history(studio)
        name = f"{studio.name}-{history.now.digest}.safetensors"
        data = set_bytes(history.now, history.done)
        path = save_bytes_to_cache(data, name, gr.utils.get_upload_folder())
        return FileData(path=path, orig_name=name, mime_type="application/octet-stream").model_dump()

    def load_set_(file: FileData, model: str = "fashion-mnist", asker: gr.Request = None) -> dict:
        """Make an uploaded set file this session's set. Returns the set."""

        def change(studio: Studio, history: EditHistory) -> EditHistory:
            path = file["path"] if isinstance(file, dict) else file.path
            prototypes, _ = or_gr_error(load_set, Path(path), studio.base)
            return history.do(f"loaded {len(prototypes.ids)} prototypes from a file", prototypes)

        return changed(model, asker, change, anew=True)

    gr.api(edit, api_name="edit", queue=False)
    gr.api(undo, api_name="undo", queue=False)
    gr.api(redo, api_name="redo", queue=False)
    gr.api(save_set, api_name="save_set", queue=False)
    gr.api(load_set_, api_name="load_set", queue=False)


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
