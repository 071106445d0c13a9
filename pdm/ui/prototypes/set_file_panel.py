"""Saving a visitor's set to a file on the Prototypes tab, and choosing one to load."""

from __future__ import annotations

import gradio as gr

from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.events import QUICK
from pdm.ui.shared.keeping import DOWNLOAD, packed_set
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading

ABOUT = "A set is one file: prototypes, names, tags and what was done. It loads here and in Python."
READ_ONLY = "A set is one file: prototypes, names, tags and what was done. It loads in Python; this app takes no files."


class SetFilePanel:
    """Laid out in the current column. Loading changes the whole tab, so `Editing` handles what `load` uploads."""

    def __init__(self, visit: Visit, *, read_only: bool = False):
        self.visit = visit
        with gr.Accordion("Save" if read_only else "Save and load", open=False):
            gr.HTML(heading("", READ_ONLY if read_only else ABOUT))
            with gr.Row(elem_classes="tight"):
                self.save = gr.Button("Save the set", size="sm", elem_id="save-set")
                self.load = gr.UploadButton(
                    "Load a set", size="sm", file_types=[".safetensors"], visible=not read_only, elem_id="load-set"
                )
            self.file = gr.JSON(visible=False)
        saved = self.save.click(self.on_save, visit.inputs, self.file, **QUICK)
        saved.success(None, self.file, None, js=DOWNLOAD)

    def on_save(self, sets: VisitorSets, model: str) -> dict:
        return packed_set(self.visit.library.get(model), sets)
