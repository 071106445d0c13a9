"""The controls that edit the chosen prototype or several: what dragging a star does, and more, without a mouse."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from pdm.app.regions import class_keys, region_keys, region_vector
from pdm.app.shown_set import ShownSet
from pdm.editing.operations import MAX_PARTS
from pdm.editing.prototype_set import MAX_SCALE, Prototype
from pdm.ui.prototypes.asked_edit import NEEDS_STAR, AskedEdit
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import choices
from pdm.ui.shared.wording import heading


class EditPanel:
    """Laid out in the current column. The controls of one prototype are hidden until one is chosen."""

    def __init__(self, shown_set: ShownSet):
        self.hint = gr.HTML(heading("Edit", NEEDS_STAR))
        with gr.Accordion("Edit this prototype", open=True, visible=False, elem_id="edit-one") as self.fold:
            self._one_prototype()
        with gr.Accordion("Merge or add", open=False, elem_id="edit-many"):
            self._several_prototypes(shown_set)

    def _one_prototype(self) -> None:
        with gr.Row():
            self.name = gr.Textbox(label="Name", max_length=60, max_lines=1, submit_btn="Rename", elem_id="rename")
            self.tags = gr.Textbox(label="Tags, with commas between", max_lines=1, submit_btn="Tag", elem_id="tags")
        info = "how strongly it steers a picture"
        self.strength = gr.Slider(0, MAX_SCALE, 1, step=0.1, label="Strength", info=info)
        with gr.Row(elem_classes="ends"):
            self.towards = gr.Dropdown([], value=None, label="Move towards", elem_id="towards")
            self.share = gr.Slider(0, 1, 0.5, step=0.05, label="How far", elem_id="how-far")
            self.move = gr.Button("Move", size="sm", scale=0, min_width=90, elem_id="move")
        with gr.Row(elem_classes="tight"):
            self.duplicate = gr.Button("Duplicate", size="sm", elem_id="duplicate")
            self.mute = gr.Button("Mute", size="sm", elem_id="mute")
            self.solo = gr.Button("Solo", size="sm", elem_id="solo")
            self.reset = gr.Button("Reset", size="sm", elem_id="reset-one")
            self.remove = gr.Button("Remove", size="sm", elem_id="remove")
        with gr.Row(elem_classes="ends"):
            self.parts = gr.Slider(2, MAX_PARTS, 2, step=1, label="Split into", elem_id="parts")
            self.split = gr.Button("Split", size="sm", scale=0, min_width=90, elem_id="split")

    def _several_prototypes(self, shown_set: ShownSet) -> None:
        info = "the same as a lasso round them"
        self.area = gr.Dropdown(region_keys(shown_set), value=None, label="Choose images", info=info, elem_id="area")
        self.add_mean = gr.Button("Add their mean", size="sm", elem_id="add-mean")
        listed = choices(shown_set)
        self.group = gr.Dropdown(listed, value=[], multiselect=True, label="Prototypes to merge", elem_id="group")
        self.merge = gr.Button("Merge them", size="sm", elem_id="merge")

    @property
    def outputs(self) -> list:
        """Everything that `views` sets."""
        one = [self.fold, self.hint, self.name, self.tags, self.strength, self.towards, self.mute]
        return [*one, self.area, self.group]

    def views(self, shown_set: ShownSet, star: int | None) -> dict:
        """The controls for a set, with one prototype chosen or none."""
        listed = choices(shown_set)
        chosen = None if star is None else shown_set.prototypes.get(star)
        others = [choice for choice in listed if choice[1] != star]
        return {
            self.fold: gr.update(visible=star is not None),
            self.hint: heading("Edit", NEEDS_STAR) if star is None else "",
            self.name: chosen.name if chosen else "",
            self.tags: ", ".join(chosen.tags) if chosen else "",
            self.strength: chosen.scale if chosen else 1,
            self.towards: gr.update(choices=others + class_keys(shown_set), value=None),
            self.mute: gr.update(value="Unmute" if chosen and chosen.muted else "Mute"),
            self.area: gr.update(choices=region_keys(shown_set), value=None),
            self.group: gr.update(choices=listed, value=[]),
        }

    def kept_views(self, before: Prototype, now: Prototype) -> dict:
        """Updates that leave the fields to type in alone, as far as an edit did not change what they are for."""
        same = {self.name: before.name == now.name, self.tags: before.tags == now.tags}
        return {field: gr.skip() for field, unchanged in same.items() if unchanged}

    def edits(self, star_map: StarMap) -> list[AskedEdit]:
        """What these controls ask for."""
        return [
            AskedEdit(self.name.submit, "rename", lambda v, k, name: {"id": k, "name": name}, [self.name], True),
            AskedEdit(self.tags.submit, "tag", lambda v, k, text: {"id": k, "tags": tags_in(text)}, [self.tags], True),
            AskedEdit(self.strength.release, "scale", lambda v, k, s: {"id": k, "value": s}, [self.strength], True),
            AskedEdit(self.move.click, "move", towards, [self.towards, self.share], True),
            AskedEdit(self.split.click, "split", lambda v, k, n: {"id": k, "n": int(n)}, [self.parts], True),
            AskedEdit(self.duplicate.click, "duplicate", lambda v, k: {"id": k}, [], True),
            AskedEdit(self.mute.click, "mute", toggled_mute, [], True),
            AskedEdit(self.solo.click, "solo", only, [], True),
            AskedEdit(self.reset.click, "reset", only, [], True),
            AskedEdit(self.remove.click, "remove", only, [], True),
            AskedEdit(self.merge.click, "merge", several, [self.group]),
            AskedEdit(self.add_mean.click, "add", mean_of, [star_map.region]),
        ]


def only(shown_set: ShownSet, star: int) -> dict:
    """The chosen prototype alone, for operations that take several."""
    return {"ids": [star]}


def toggled_mute(shown_set: ShownSet, star: int) -> dict:
    return {"ids": [star], "muted": not shown_set.prototypes.get(star).muted}


def towards(shown_set: ShownSet, star: int, other: int | str | None, share: float) -> dict:
    """Part of the way to another prototype (its id) or to a class (its key among the regions of the map)."""
    if other is None:
        raise ValueError("Choose where to move it first.")
    here = shown_set.prototypes.vectors([star])[0]
    if isinstance(other, str):
        there = region_vector(shown_set, other)
    else:
        there = shown_set.prototypes.vectors(shown_set.check([other]))[0]
    return {"id": star, "vector": (here + float(share) * (there - here)).tolist()}


def several(shown_set: ShownSet, star: int | None, ids: Sequence[int] | None) -> dict:
    """The prototypes that were chosen to become one."""
    if not ids or len(ids) < 2:
        raise ValueError("Choose two or more prototypes to merge first.")
    return {"ids": list(ids)}


def mean_of(shown_set: ShownSet, star: int | None, region: tuple[int, ...]) -> dict:
    """The images that are picked out on the map, for a prototype at their mean."""
    if not region:
        raise ValueError("Draw a lasso round some images first, or choose them from the list.")
    return {"images": list(region)}


def tags_in(text: str) -> list[str]:
    """The tags that were typed, with commas between them."""
    return [t.strip() for t in text.split(",") if t.strip()]
