"""A button that fetches a model's data set, until which its map shows pictures that the model made."""

from __future__ import annotations

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.wording import heading

ABOUT = (
    "The images of this data set do not ship with the app: its map and its prototypes are shown by pictures that the "
    "model made. With the data set here, the page shows real ones, RDM's neighbours among them. PDM paints without it."
)


class RealPanel:
    """Hidden where a model's map shows real images. The images change the whole tab, so the tab handles `button`."""

    def __init__(self, studio: Studio):
        with gr.Row(visible=studio.map.generated, elem_id="real") as self.row:
            gr.HTML(heading("Generated pictures", ABOUT))
            self.button = gr.Button("Show real images", size="sm", scale=0, min_width=160, elem_id="show-real")
            self.line = gr.HTML("", elem_id="real-line")

    @property
    def outputs(self) -> list:
        """Everything that `views` sets."""
        return [self.row, self.line]

    def views(self, studio: Studio) -> dict:
        """Shown or hidden, as the model's map asks for."""
        return {self.row: gr.update(visible=studio.map.generated), self.line: ""}


def fetch(library: Library, name: str, progress: gr.Progress) -> Studio:
    """The model with real images, after a download that the visitor watches. Raises gr.Error if it cannot be had."""
    return or_gr_error(library.show_real, name, lambda what: progress(None, desc=what))
