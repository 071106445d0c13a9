"""How a canvas is painted, and how large it is: the settings of the Canvas tab."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, own_side
from pdm.app.requests import MAX_GUIDANCE, MAX_SEED, max_steps
from pdm.app.studio import Studio
from pdm.ui.shared.numbers import as_whole

PRESETS = ((64, 64), (128, 128), (256, 256), (512, 512), (1024, 1024), (256, 128), (512, 256), (1024, 512), (256, 512))
GROUNDS = [("a mix drawn from the data", "table"), ("nothing in particular", "null")]


def size_name(width: int, height: int) -> str:
    """A size as the list of sizes has it."""
    shape = "square" if width == height else "wide" if width > height else "tall"
    return f"{width} × {height}, {shape}"


class Settings:
    """`size` is the list of sizes, laid out in the current row; `lay_out` adds the rest, which is folded away.

    `values` are the controls in the order in which events take them; `width` and `height` a size of one's own.
    """

    def __init__(self, studio: Studio):
        side = own_side(studio)
        choices = [(size_name(w, h), f"{w}x{h}") for w, h in PRESETS]
        self.size = gr.Dropdown(
            choices,
            value=f"{side}x{side}",
            show_label=False,
            container=False,
            label="Size",
            min_width=150,
            elem_id="canvas-size",
        )

    def lay_out(self, studio: Studio) -> None:
        side = own_side(studio)
        with gr.Accordion("Settings", open=False):
            with gr.Row():
                self.steps = gr.Slider(1, max_steps(studio.pdm), 10, step=1, label="Steps")
                self.guidance = gr.Slider(
                    0, MAX_GUIDANCE, studio.guidance, step=0.1, label="Guidance", info="1 is none"
                )
                self.seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
            with gr.Row():
                self.ground = gr.Radio(GROUNDS, value="table", label="Where nothing is painted")
                self.tileable = gr.Checkbox(False, label="Repeats without a seam")
            with gr.Row(elem_classes="ends"):
                self.width = gr.Number(side, label="Width", precision=0)
                self.height = gr.Number(side, label="Height", precision=0)
                self.resize = gr.Button("Use this size", size="sm", elem_id="canvas-resize")
        self.values = [self.steps, self.guidance, self.seed, self.ground, self.tileable]

    @property
    def sizes(self) -> list:
        """What `size_views` sets."""
        return [self.size, self.width, self.height]

    @property
    def changes(self) -> list:
        """The events that say that a picture is to be painted in another way."""
        moved = [self.steps.release, self.guidance.release, self.seed.submit]
        return [*moved, self.ground.input, self.tileable.input]

    def model_views(self, studio: Studio) -> dict:
        """The controls for another model."""
        return {self.steps: gr.update(maximum=max_steps(studio.pdm)), self.guidance: studio.guidance}

    def size_views(self, drawing: Drawing) -> dict:
        """The controls for a drawing of another size."""
        width, height = drawing.width, drawing.height
        value = f"{width}x{height}" if (width, height) in PRESETS else None
        return {self.size: value, self.width: width, self.height: height}

    def kept_views(self, values: dict) -> dict:
        """The controls as a browser kept them, or a recipe; what is missing or of another kind stays as it is."""
        numbers = {
            self.steps: values.get("steps"),
            self.seed: values.get("seed"),
            self.guidance: values.get("guidance"),
        }
        views: dict = {c: v for c, v in numbers.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        if values.get("ground") in [key for _, key in GROUNDS]:
            views[self.ground] = values["ground"]
        return views | {self.tileable: values.get("tileable") is True}


def request_of(drawing: Drawing, values: tuple[Any, ...], prototype_set) -> CanvasRequest:
    """The page's controls as a request, which is not checked yet."""
    steps, guidance, seed, ground, tileable = values
    return CanvasRequest(
        drawing,
        seed=as_whole(seed),
        steps=as_whole(steps),
        guidance=guidance,
        ground=ground,
        tileable=tileable is True,
        prototype_set=prototype_set,
    )
