"""How pictures are made: the settings of the Generate tab."""

from __future__ import annotations

import random

import gradio as gr

from pdm.app.requests import AUTO, MAX_COUNT, MAX_GUIDANCE, MAX_SEED, Request, max_steps, samplers
from pdm.app.studio import Studio

GUIDANCE = "1 is off; higher follows the prototypes more"


class Settings:
    """`values` are the controls in the order in which events take them; `of_model` those that another model changes."""

    def __init__(self, studio: Studio):
        with gr.Accordion("Settings", open=False):
            with gr.Row():
                self.count = gr.Slider(1, MAX_COUNT, 16, step=1, label="Pictures")
                self.steps = gr.Slider(1, 100, 10, step=1, label="Steps", info=steps_info(studio))
            with gr.Row():
                self.guidance = gr.Slider(0, MAX_GUIDANCE, studio.guidance, step=0.1, label="Guidance", info=GUIDANCE)
                self.sampler = gr.Dropdown(samplers(studio.pdm), value=AUTO, label="Sampler")
            with gr.Row():
                self.seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
                with gr.Column(min_width=200):
                    self.locked = gr.Checkbox(False, label="Lock seed (same pictures every time)")
                    with gr.Row(elem_classes="tight"):
                        self.same = gr.Button("Same", size="sm", elem_id="seed-same")
                        self.new = gr.Button("New", size="sm", elem_id="seed-new")
        self.values = [self.count, self.steps, self.guidance, self.sampler, self.seed, self.locked]
        self.of_model = [self.steps, self.guidance, self.sampler]

    def model_views(self, studio: Studio) -> dict:
        """The controls for another model: what it can do, and what it does by default."""
        return {
            self.steps: gr.update(maximum=max_steps(studio.pdm), info=steps_info(studio)),
            self.guidance: studio.guidance,
            self.sampler: gr.update(choices=samplers(studio.pdm), value=AUTO),
        }

    def drawn(self, request: Request) -> dict:
        """What a request that is being painted has in place of what was asked for."""
        return {self.seed: request.seed, self.steps: request.steps}

    def recipe_views(self, request: Request, count: int) -> dict:
        """The controls as `count` pictures of a request were made with. Whether the seed is locked stays as it is."""
        known = (count, request.steps, request.guidance, request.sampler, request.seed)
        return dict(zip(self.values[:-1], known, strict=True))

    def kept_views(self, kept: dict) -> dict:
        """The controls as a browser kept them: values by name, of some of them or of none."""
        return {getattr(self, name): value for name, value in kept.items()}

    def same_seed(self, seed: int) -> dict:
        """The next pictures take this seed, and those after them."""
        return {self.seed: seed, self.locked: True}

    def new_seed(self) -> dict:
        """Each run draws a seed of its own."""
        return {self.seed: random_seed(), self.locked: False}


def random_seed() -> int:
    """A seed for as many pictures as a request may have."""
    return random.randrange(MAX_SEED - MAX_COUNT)


def steps_info(studio: Studio) -> str:
    return "1, 2 and 4 are painted by the fast student" if studio.pdm.student else "more take longer"
