"""Undo, redo, and the list of edits on the Prototypes tab."""

from __future__ import annotations

import gradio as gr

from pdm.editing.history import EditHistory
from pdm.ui.components.edit_log import EditLog, log
from pdm.ui.prototypes.asked_edit import AskedEdit
from pdm.ui.shared.wording import heading


class EditLogPanel:
    """Undo and Redo are laid out where it is made, the list of edits where `lay_out_log` is called."""

    def __init__(self):
        with gr.Row(elem_classes="tight"):
            self.undo = gr.Button("Undo", size="sm", interactive=False, elem_id="undo")
            self.redo = gr.Button("Redo", size="sm", interactive=False, elem_id="redo")

    def lay_out_log(self) -> None:
        with gr.Row(elem_classes="earlier"):
            gr.HTML(heading("What you did"))
            self.reset_all = gr.Button("Reset all", size="sm", scale=0, min_width=90, elem_id="reset-all")
        self.log = EditLog(elem_id="edit-log")

    @property
    def outputs(self) -> list:
        """Everything that `views` sets."""
        return [self.undo, self.redo, self.log]

    def views(self, history: EditHistory) -> dict:
        """The edits made so far, and which way the buttons can still go."""
        sentences, current = history.entries
        return {
            self.undo: gr.update(interactive=current > 0),
            self.redo: gr.update(interactive=current + 1 < len(sentences)),
            self.log: log(history),
        }

    def edits(self) -> list[AskedEdit]:
        """What these controls ask for: Reset all is an edit, which can be undone as any other."""
        return [AskedEdit(self.reset_all.click, "reset", lambda shown_set, star: {})]
