"""Where the Prototypes tab shows pictures painted from a prototype: before an edit, after it, and one of each."""

from __future__ import annotations

import gradio as gr

from pdm.ui.components.picture_grid import PictureGrid, pictures
from pdm.ui.shared.previews import PREVIEWS
from pdm.ui.shared.wording import status


class Strips:
    """Laid out in the current column; `Painting` fills them, the inspector empties them."""

    def __init__(self):
        self.line = gr.HTML(status(""), elem_id="painted-line")
        self.painted_title = gr.HTML("", elem_id="painted-title")
        self.painted = PictureGrid(elem_id="painted")
        with gr.Row(elem_classes="tight", elem_id="paint-row"):
            self.paint = gr.Button(
                f"Paint {PREVIEWS}", variant="primary", size="sm", interactive=False, elem_id="paint"
            )
            self.stop = gr.Button("Stop", size="sm", scale=0, min_width=80)
        self.before_title = gr.HTML("")
        self.before = PictureGrid(elem_id="before")
        with gr.Accordion("One picture, before | after", open=False, visible=False) as self.slider_fold:
            self.slider = gr.ImageSlider(
                show_label=False, container=False, format="png", interactive=False, elem_classes="crisp-slider"
            )

    @property
    def grids(self) -> list:
        """The line that says what is going on, and both rows of pictures with their titles."""
        return [self.line, self.before_title, self.before, self.painted_title, self.painted]

    @property
    def outputs(self) -> list:
        """Everything that `blank` sets."""
        return [self.paint, *self.grids, self.slider_fold]

    def blank(self, usable: bool) -> dict:
        """No pictures yet; they can be asked for where there is a prototype to paint from."""
        return {
            self.paint: gr.update(interactive=usable),
            self.line: status(""),
            self.before_title: "",
            self.before: pictures(None, []),
            self.painted_title: "",
            self.painted: pictures(None, []),
            self.slider_fold: gr.update(visible=False),
        }
