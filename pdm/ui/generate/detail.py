"""What made the picture that was clicked: its prototypes, the images nearest to it, its recipe, and why."""

from __future__ import annotations

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.map.projection import kind_of
from pdm.support.checks import is_whole
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.generate.asked import shown_batch
from pdm.ui.generate.why import WhyPanel
from pdm.ui.shared import link
from pdm.ui.shared.descriptions import image_item
from pdm.ui.shared.events import QUICK
from pdm.ui.shared.keeping import DOWNLOAD, packed_file
from pdm.ui.shared.session import Batch, BatchHistory
from pdm.ui.shared.wording import heading

TITLE = "What made this picture"
NOTHING = "Click a picture to see what made it."


class Detail:
    """`made` is the state that holds the batches, `chosen` that with the index of the picture in the shown batch."""

    def __init__(self, library: Library, made: gr.State):
        with gr.Row(elem_classes="earlier"):
            self.title = gr.HTML(heading(TITLE, NOTHING), elem_id="detail-title")
            self.keep = gr.Button(
                "♡ Favourite", size="sm", scale=0, min_width=110, visible=False, elem_id="keep-picture"
            )
        with gr.Row(elem_classes="made-row"):
            self.picture = gr.Image(
                type="pil",
                format="png",
                interactive=False,
                show_label=False,
                container=False,
                height=180,
                width=180,
                elem_classes="crisp",
                buttons=["download"],
                visible=False,
                elem_id="detail",
            )
            self.made_of = PictureGrid(elem_id="made-of", scale=2, min_width=260)
        self.similar = PictureGrid(elem_id="similar")
        with gr.Row():
            self.on_map = gr.Button("Show on the map", size="sm", min_width=120, visible=False)
            self.edit = gr.Button("Edit on the canvas", size="sm", min_width=120, visible=False, elem_id="edit-made")
            self.again = gr.Button("Use this recipe", size="sm", min_width=120, visible=False)
            self.share = gr.Button("Copy a link", size="sm", min_width=120, elem_id="copy-link")
        self.copied = gr.HTML("", elem_id="copied")
        with gr.Accordion("Recipe (it is inside the PNG, too)", open=False, visible=False) as self.fold:
            self.recipe = gr.JSON(show_label=False, elem_id="recipe")
        self.chosen = gr.State(0)
        self.why = WhyPanel(library, made, self.chosen)
        self.library, self.address, self.file = library, gr.JSON(visible=False), gr.JSON(visible=False)
        shared = self.share.click(self.on_share, [made, self.chosen], [self.address, self.file], **QUICK)
        shared.success(None, self.address, self.copied, js=link.COPY)
        shared.success(None, self.file, None, js=DOWNLOAD)
        self.outputs = [
            self.title,
            self.picture,
            self.made_of,
            self.similar,
            self.on_map,
            self.edit,
            self.again,
            self.keep,
            self.fold,
            self.recipe,
            self.chosen,
            self.copied,
        ]

    def views(self, studio: Studio, batch: Batch, index: int) -> dict:
        """Everything about picture `index` of a batch."""
        evidence = sorted(batch.evidence[index], key=lambda pair: -pair[1])
        shown_set = batch.shown_set(studio)
        parts = [Item(k, shown_set.names[k], f"{100 * w:.0f} %", shown_set.colours[k], w) for k, w in evidence]
        covers = shown_set.pictures([k for k, _ in evidence]) if evidence else None
        ids, distances = studio.map.nearest(studio.features(batch.tensor()[index : index + 1]), 4)
        near = [image_item(studio, i, d) for i, d in zip(ids[0].tolist(), distances[0].tolist(), strict=True)]
        said = f"Its prototypes, and below them the {kind_of(studio.map.generated)} that are most like it."
        return {
            self.title: heading(TITLE, said),
            self.picture: gr.update(value=batch.picture(studio, index), visible=True),
            self.made_of: pictures(covers, parts, cell=98, still=True),
            self.similar: pictures(studio.map.images[ids[0]], near, cell=84, still=True),
            self.on_map: gr.update(visible=True),
            self.edit: gr.update(visible=True),
            self.again: gr.update(visible=True),
            self.keep: gr.update(visible=True),
            self.fold: gr.update(visible=True),
            self.recipe: batch.recipe(studio, index).to_dict(),
            self.chosen: index,
            self.copied: "",
        }

    def on_share(self, made: BatchHistory, chosen: int) -> dict:
        """A link to the picture that is looked at, and where its edited prototypes are too many for it, their file."""
        batch = shown_batch(made)
        studio, request = self.library.get(batch.model), batch.request
        index = chosen if is_whole(chosen, 0, request.count - 1) else 0
        query, apart = link.to_picture(studio, request, index)
        file = packed_file(studio, request.prototype_set) if apart and request.prototype_set else None
        return {self.address: {"query": query, "note": link.FILE_NOTE if apart else ""}, self.file: file}
