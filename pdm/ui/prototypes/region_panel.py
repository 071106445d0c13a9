"""What can be done with a lasso: its prototypes are tagged or merged in one edit, its images saved as a table."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import gradio as gr

from pdm.app.region_table import FORMATS, region_table, table_bytes
from pdm.app.regions import prototypes_of
from pdm.app.shown_set import ShownSet
from pdm.ui.prototypes.asked_edit import AskedEdit
from pdm.ui.prototypes.edit_panel import several, tags_in
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import PRIVATE
from pdm.ui.shared.keeping import DOWNLOAD
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading

NAMED = 3  # prototypes that are named; of more the number is said
NOTHING = "Draw a lasso round some images first."


class RegionPanel:
    """Laid out in the current column; hidden until images are picked out. `stars` are the prototypes that it means."""

    def __init__(self, visit: Visit, star_map: StarMap):
        self.visit, self.stars = visit, gr.State(())
        with gr.Column(visible=False, elem_id="region") as self.fold:
            self.said = gr.HTML("")
            self.tags = gr.Textbox(
                label="Tags to add",
                show_label=False,
                container=False,
                placeholder="Tags, with commas between",
                max_lines=1,
                submit_btn="Tag them",
                elem_id="region-tags",
            )
            with gr.Row(elem_classes="tight"):
                self.merge = gr.Button("Merge them", size="sm", elem_id="region-merge")
                saves = [gr.Button(f"As {kind}", size="sm") for kind in ("CSV", "Parquet")]
            self.file = gr.JSON(visible=False)
        for save, kind in zip(saves, FORMATS, strict=True):
            asked = [*visit.inputs, star_map.region]
            made = save.click(self._saver(kind), asked, self.file, concurrency_limit=1, **PRIVATE)  # a second each
            made.success(None, self.file, None, js=DOWNLOAD)

    @property
    def outputs(self) -> list:
        """Everything that `views` and `blank` set."""
        return [self.stars, self.fold, self.said, self.tags, self.merge]

    def blank(self) -> dict:
        """Nothing is picked out."""
        return {
            self.stars: (),
            self.fold: gr.update(visible=False),
            self.said: "",
            self.tags: "",
            self.merge: gr.update(interactive=False),
        }

    def views(self, shown_set: ShownSet, images: Sequence[int], stars: Sequence[int]) -> dict:
        """For images of the map and the prototypes among them."""
        meant = prototypes_of(shown_set, images, stars)
        return {
            self.stars: tuple(meant),
            self.fold: gr.update(visible=True),
            self.said: heading("Their prototypes", listed(shown_set, meant)),
            self.tags: "",
            self.merge: gr.update(interactive=len(meant) > 1),
        }

    def edits(self) -> list[AskedEdit]:
        """What these controls ask for."""
        return [
            AskedEdit(self.merge.click, "merge", several, [self.stars]),
            AskedEdit(self.tags.submit, "tag", tagged, [self.stars, self.tags]),
        ]

    def _saver(self, kind: str) -> Callable:
        def on_save(sets: VisitorSets, model: str, region: tuple[int, ...]) -> dict:
            """The images that are picked out, as a file for `DOWNLOAD`."""
            if not region:
                raise gr.Error(NOTHING, print_exception=False)
            shown_set = self.visit.shown_set(sets, model)
            ids = or_gr_error(shown_set.studio.check_images, list(region))
            data = table_bytes(or_gr_error(region_table, shown_set, ids), kind)
            return {"name": f"{model}-images.{kind}", "data": base64.b64encode(data).decode()}

        return on_save


def tagged(shown_set: ShownSet, star: int | None, stars: tuple[int, ...], text: str) -> dict:
    """The prototypes of a lasso and the tags to add, as the arguments of an edit."""
    if not stars:
        raise ValueError(NOTHING)
    if not tags_in(text):
        raise ValueError("Type a tag first.")
    return {"ids": list(stars), "tags": tags_in(text)}


def listed(shown_set: ShownSet, stars: Sequence[int]) -> str:
    """Their names, as many as are read at a glance."""
    names, more = [shown_set.names[k] for k in stars[:NAMED]], len(stars) - NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
