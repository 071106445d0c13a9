"""The controls of the Prototypes tab that edit: everything that dragging a star does, and more, without a mouse."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from pdm.app.regions import class_keys, region_keys
from pdm.app.shown_set import ShownSet
from pdm.editing.history import EditHistory
from pdm.editing.operations import MAX_PARTS
from pdm.editing.prototype_set import MAX_SCALE
from pdm.ui.components.edit_log import EditLog, log

NEEDS_STAR = "Choose a prototype first: click a star or take one from the list."


@dataclass(frozen=True)
class EditPanel:
    """One prototype's controls, those for several, and the history."""

    name: gr.Textbox
    tags: gr.Textbox
    strength: gr.Slider
    towards: gr.Dropdown
    share: gr.Slider
    move: gr.Button
    parts: gr.Slider
    split: gr.Button
    duplicate: gr.Button
    mute: gr.Button
    solo: gr.Button
    reset: gr.Button
    remove: gr.Button
    area: gr.Dropdown
    group: gr.Dropdown
    merge: gr.Button
    add_mean: gr.Button

    def views(self, shown_set: ShownSet, star: int | None) -> dict:
        """The controls for a set, with one prototype chosen or none."""
        choices = [(shown_set.names[k], k) for k in shown_set.order]
        chosen = None if star is None else shown_set.prototypes.get(star)
        views: dict = {
            self.name: chosen.name if chosen else "",
            self.tags: ", ".join(chosen.tags) if chosen else "",
            self.strength: chosen.scale if chosen else 1,
            self.towards: gr.update(choices=[c for c in choices if c[1] != star] + class_keys(shown_set), value=None),
            self.mute: gr.update(value="Unmute" if chosen and chosen.muted else "Mute"),
            self.area: gr.update(choices=region_keys(shown_set), value=None),
            self.group: gr.update(choices=choices, value=[]),
        }
        return views


def one_prototype() -> dict:
    """The controls of the chosen prototype, laid out in the current column."""
    with gr.Row():
        name = gr.Textbox(label="Name", max_length=60, max_lines=1, submit_btn="Rename", elem_id="rename")
        tags = gr.Textbox(label="Tags, with commas between", max_lines=1, submit_btn="Tag", elem_id="tags")
    strength = gr.Slider(0, MAX_SCALE, 1, step=0.1, label="Strength", info="how strongly it conditions a picture")
    with gr.Row(elem_classes="ends"):
        towards = gr.Dropdown([], value=None, label="Move towards", elem_id="towards")
        share = gr.Slider(0, 1, 0.5, step=0.05, label="How far", elem_id="how-far")
        move = gr.Button("Move", size="sm", scale=0, min_width=90, elem_id="move")
    with gr.Row(elem_classes="tight"):
        duplicate = gr.Button("Duplicate", size="sm", elem_id="duplicate")
        mute = gr.Button("Mute", size="sm", elem_id="mute")
        solo = gr.Button("Solo", size="sm", elem_id="solo")
        reset = gr.Button("Reset", size="sm", elem_id="reset-one")
        remove = gr.Button("Remove", size="sm", elem_id="remove")
    with gr.Row(elem_classes="ends"):
        parts = gr.Slider(2, MAX_PARTS, 2, step=1, label="Split into", elem_id="parts")
        split = gr.Button("Split", size="sm", scale=0, min_width=90, elem_id="split")
    return {k: v for k, v in locals().items()}


def several_prototypes() -> dict:
    """Controls that take more than one prototype, or none yet."""
    area = gr.Dropdown(
        [],
        value=None,
        label="Choose images",
        info="as a lasso round them would; it fills in both lists",
        elem_id="area",
    )
    add_mean = gr.Button("Add the mean of the images", size="sm", elem_id="add-mean")
    group = gr.Dropdown([], value=[], multiselect=True, label="Prototypes to merge", elem_id="group")
    merge = gr.Button("Merge them", size="sm", elem_id="merge")
    return {"area": area, "group": group, "merge": merge, "add_mean": add_mean}


@dataclass(frozen=True)
class EditLogPanel:
    """Undo, redo, and the list of edits."""

    undo: gr.Button
    redo: gr.Button
    reset_all: gr.Button
    log: EditLog

    def views(self, history: EditHistory) -> dict:
        sentences, current = history.entries
        return {
            self.undo: gr.update(interactive=current > 0),
            self.redo: gr.update(interactive=current + 1 < len(sentences)),
            self.log: log(history),
        }


def history_panel() -> EditLogPanel:
    with gr.Row(elem_classes="tight"):
        undo = gr.Button("Undo", size="sm", interactive=False, elem_id="undo")
        redo = gr.Button("Redo", size="sm", interactive=False, elem_id="redo")
        reset_all = gr.Button("Reset all", size="sm", elem_id="reset-all")
    return EditLogPanel(undo, redo, reset_all, EditLog(elem_id="edit-log"))
