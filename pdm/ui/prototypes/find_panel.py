"""Find: prototypes by their words, and the place on the map of a picture."""

from __future__ import annotations

import gradio as gr

from pdm.app.find import MAX_TEXT, find
from pdm.app.library import Library
from pdm.app.shown_set import ShownSet
from pdm.ui.components.found_list import FoundList, found
from pdm.ui.components.map_view import MapView
from pdm.ui.shared.events import LATEST, PRIVATE
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.session import VisitorSets

HINT = "Enter opens the first one found."


class FindPanel:
    """Laid out in the current column; `wire` comes once the map exists."""

    def __init__(self):
        with gr.Row(elem_classes="find"):
            self.text = gr.Textbox(
                label="Find prototypes",
                show_label=False,
                container=False,
                placeholder="Find: name, tag or class",
                max_lines=1,
                max_length=MAX_TEXT,
                elem_id="find",
            )
            self.by_picture = gr.Button("By a picture", size="sm", elem_id="by-picture")
            self.list = FoundList(HINT, elem_id="found")
        self.shown = gr.State(False)
        with gr.Row(visible=False, elem_classes="ends") as self.fold:
            self.upload = gr.Image(
                type="pil", label="A picture, to see where it lies", sources=["upload", "clipboard"], height=170
            )
            self.add = gr.Button(
                "Add it as a prototype", size="sm", scale=0, min_width=180, interactive=False, elem_id="add-picture"
            )

    def wire(self, library: Library, sets: gr.State, model: gr.Dropdown, view: MapView) -> None:
        self.library, self.view = library, view
        self.text.change(self.on_text, [sets, model, self.text], [self.list, view], **LATEST)
        self.by_picture.click(self.on_fold, self.shown, [self.shown, self.fold], queue=False, **PRIVATE)

    def on_fold(self, shown: bool) -> tuple[bool, dict]:
        return not shown, gr.update(visible=not shown)

    def on_text(self, sets: VisitorSets, model: str, text: str) -> dict:
        """What a text finds: in the list, and picked out on the map."""
        shown_set = sets.shown_set(self.library.get(model))
        ids = or_gr_error(find, shown_set, text)
        none = f"No prototype has “{text.strip()}” in its name, tags or class." if text.strip() else HINT
        return {self.list: found(shown_set, ids, none), self.view: gr.update(found=ids)}

    def first(self, shown_set: ShownSet, text: str) -> int | None:
        """The prototype that Enter opens."""
        return next(iter(or_gr_error(find, shown_set, text)), None)
