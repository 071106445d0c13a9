"""What made the picture that was clicked: its prototypes, the images nearest to it, its recipe, and why."""

from __future__ import annotations

import gradio as gr

from pdm.app.library import Library
from pdm.app.studio import Studio
from pdm.map.projection import kind_of
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.generate.why import WhyPanel
from pdm.ui.shared.session import Batch
from pdm.ui.shared.wording import heading

TITLE = "What made this picture"
NOTHING = "Click a picture to see what made it."


class Detail:
    """`made` is the state that holds the batches, `chosen` that with the index of the picture in the shown batch."""

    def __init__(self, library: Library, made: gr.State):
        self.title = gr.HTML(heading(TITLE, NOTHING), elem_id="detail-title", elem_classes="section")
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
            self.on_map = gr.Button("Show on the map", size="sm", visible=False)
            self.edit = gr.Button("Edit on the canvas", size="sm", visible=False, elem_id="edit-made")
            self.again = gr.Button("Use this recipe", size="sm", visible=False)
            self.share = gr.Button("Copy a link", size="sm", elem_id="copy-link")
        with gr.Accordion("Recipe (it is inside the PNG, too)", open=False, visible=False) as self.fold:
            self.recipe = gr.JSON(show_label=False, elem_id="recipe")
        self.chosen = gr.State(0)
        self.why = WhyPanel(library, made, self.chosen)
        self.outputs = [
            self.title,
            self.picture,
            self.made_of,
            self.similar,
            self.on_map,
            self.edit,
            self.again,
            self.fold,
            self.recipe,
            self.chosen,
        ]

    def views(self, studio: Studio, batch: Batch, index: int) -> dict:
        """Everything about picture `index` of a batch."""
        evidence = sorted(batch.evidence[index], key=lambda pair: -pair[1])
        shown_set = batch.shown_set(studio)
        parts = [Item(k, shown_set.names[k], f"{100 * w:.0f} %", shown_set.colours[k], w) for k, w in evidence]
        covers = shown_set.pictures([k for k, _ in evidence]) if evidence else None
        ids, distances = studio.map.nearest(studio.features(batch.tensor()[index : index + 1]), 4)
        near = [
            Item(i, studio.class_of(i), f"{d:.2f} away")
            for i, d in zip(ids[0].tolist(), distances[0].tolist(), strict=True)
        ]
        said = f"Its prototypes, and below them the {kind_of(studio.map.generated)} that are most like it."
        return {
            self.title: heading(TITLE, said),
            self.picture: gr.update(value=batch.picture(studio, index), visible=True),
            self.made_of: pictures(covers, parts, cell=98, still=True),
            self.similar: pictures(studio.map.images[ids[0]], near, cell=84, still=True),
            self.on_map: gr.update(visible=True),
            self.edit: gr.update(visible=True),
            self.again: gr.update(visible=True),
            self.fold: gr.update(visible=True),
            self.recipe: batch.recipe(studio, index).to_dict(),
            self.chosen: index,
        }
