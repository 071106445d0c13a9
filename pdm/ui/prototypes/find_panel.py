"""Find: prototypes by their words, and the place on the map of a picture."""

from __future__ import annotations

import gradio as gr
import torch
from PIL import Image

from pdm.app.find import MAX_TEXT, find
from pdm.app.seen_picture import seen, wants_turning
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.components.found_list import FoundList, found
from pdm.ui.components.picture_grid import PictureGrid
from pdm.ui.guard.blocks import DAMAGED
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, PRIVATE
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading

HINT = "Enter opens the first one found."


class FindPanel:
    """Laid out in the current column, over the map; `show_on` connects it once that exists."""

    def __init__(self, visit: Visit, *, read_only: bool = False):
        """read_only: without the search by a picture, which has to be uploaded."""
        self.visit = visit
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
            self.by_picture = gr.Button("By a picture", size="sm", visible=not read_only, elem_id="by-picture")
            self.list = FoundList(HINT, elem_id="found")
        self.shown = gr.State(False)
        with gr.Row(visible=False, elem_classes="ends") as self.fold:
            self.upload = gr.Image(
                type="pil", label="A picture, to see where it lies", sources=["upload", "clipboard"], height=170
            )
            with gr.Column(visible=False, min_width=200, elem_id="seen") as self.options:
                gr.HTML(heading("The model sees this"))
                self.seen = PictureGrid(elem_id="seen-picture")
                self.turned = gr.Checkbox(False, label="Turn light and dark", elem_id="turned")
                self.cut = gr.Checkbox(False, label="Cut to what is on it", elem_id="cut")
            self.add = gr.Button(
                "Add it as a prototype", size="sm", scale=0, min_width=180, interactive=False, elem_id="add-picture"
            )
        self.by_picture.click(self.on_fold, self.shown, [self.shown, self.fold], queue=False, **PRIVATE)

    def show_on(self, star_map: StarMap) -> None:
        """Mark on this map what is found."""
        self.star_map = star_map
        self.text.change(self.on_text, self.asked, self.found, **LATEST)

    @property
    def asked(self) -> list:
        """The inputs of `on_text`."""
        return [*self.visit.inputs, self.text]

    @property
    def found(self) -> list:
        """The outputs of `on_text`."""
        return [self.list, self.star_map.view]

    def on_fold(self, shown: bool) -> tuple[bool, dict]:
        return not shown, gr.update(visible=not shown)

    def on_text(self, sets: VisitorSets, model: str, text: str) -> dict:
        """The prototypes that a text finds, in the list and picked out on the map."""
        shown_set = self.visit.shown_set(sets, model)
        ids = or_gr_error(find, shown_set, text)
        none = f"No prototype has “{text.strip()}” in its name, tags or class." if text.strip() else HINT
        return {self.list: found(shown_set, ids, none), self.star_map.view: gr.update(found=ids)}

    @property
    def picture(self) -> list:
        """The inputs that say which picture is meant, and how the model is to see it."""
        return [self.upload, self.turned, self.cut]

    def picture_views(self, studio: Studio, image: Image.Image | None) -> dict:
        """The controls for a picture that was just uploaded, or for none."""
        turned = image is not None and bool(or_gr_error(wants_turning, studio, _loaded(image)))
        return {
            self.add: gr.update(interactive=image is not None),
            self.options: gr.update(visible=image is not None),
            self.turned: turned,
            self.cut: turned,  # whoever has light things on a dark ground has them alone, and in the middle
        }

    def first(self, shown_set: ShownSet, text: str) -> int | None:
        """The prototype that Enter opens, if any is found."""
        return next(iter(or_gr_error(find, shown_set, text)), None)


def as_image(studio: Studio, picture: Image.Image, turned: bool = False, cut: bool = False) -> torch.Tensor:
    """An uploaded picture as the model's images are, uint8 (1, C, H, W). Raises gr.Error as `_loaded`."""
    whole = _loaded(picture)
    return or_gr_error(lambda: seen(studio, whole, turned=bool(turned), cut=bool(cut)))


def _loaded(picture: Image.Image) -> Image.Image:
    """The picture, decoded.

    Raises gr.Error for one that is too large, or damaged: what is named as a GIF comes here before it is decoded.
    """
    try:
        picture.load()
    except Exception as error:  # Pillow raises a dozen unrelated types, whose texts are not for visitors
        raise gr.Error(DAMAGED, print_exception=False) from error
    return picture
