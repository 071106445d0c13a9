"""Laying the map out again: asked for, watched, stopped and taken back by one visitor, for that visitor alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import gradio as gr

from pdm.app.library import Library
from pdm.app.refit import Slots, refit
from pdm.ui.shared.events import PRIVATE, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "The map was laid out once, without your edits. UMAP can lay it out again together with your prototypes, starting "
    "from where everything lies now. It takes about a minute, and nobody else's map changes."
)


class RefitPanel:
    """`made` holds a layout with its model's name until the tab has taken it over."""

    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown):
        self.library, self.slots = library, Slots()
        self.made = gr.State(None, time_to_live=SESSION_SECONDS)
        with gr.Accordion("Refit the map", open=False, elem_id="refit-fold"):
            gr.HTML(heading("", ABOUT))
            with gr.Row(elem_classes="tight"):
                self.go = gr.Button("Refit UMAP", size="sm", elem_id="refit")
                self.cancel = gr.Button("Cancel", size="sm", elem_id="refit-cancel")
                self.back = gr.Button("Back to the layout before", size="sm", interactive=False, elem_id="refit-back")
            self.line = gr.HTML(status(""), elem_id="refit-line")
        self.switch = StopSwitch(self.cancel)
        asked = [sets, model, self.switch.pressed]
        options = {"concurrency_limit": None, **PRIVATE}
        self.ended = self.go.click(self.on_go, asked, [self.line, self.made], **options)

    def on_go(self, sets: VisitorSets, model: str, pressed: float, asker: gr.Request) -> Iterator[dict]:
        shown_set = sets.shown_set(self.library.get(model))
        try:
            with self.slots.held(asker.session_hash), closing(refit(shown_set)) as steps:
                for step in steps:
                    if self.switch.asked(asker, pressed):
                        yield {self.line: status("cancelled; everything is as it was"), self.made: None}
                        return
                    made = step.layout and (shown_set.studio.name, step.layout)
                    yield {self.line: status(step.what, step.part), self.made: made}
        except (ValueError, RuntimeError) as error:
            yield {self.line: status("")}
            raise gr.Error(str(error), print_exception=False) from error
