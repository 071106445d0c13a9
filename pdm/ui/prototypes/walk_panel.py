"""A walk through two to eight prototypes: a smooth loop at one seed, to watch and to keep."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import torch
from gradio.processing_utils import save_bytes_to_cache

from pdm.app.library import Library
from pdm.app.painting import painted
from pdm.app.shown_set import ShownSet
from pdm.config import DEFAULT_STEPS
from pdm.sampling.walk import FORMATS, MAX_STARS, animation, loop_condition
from pdm.ui.shared.events import DENOISING, PRIVATE
from pdm.ui.shared.inspector import or_gr_error
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import status

BATCH = 16
MAX_FRAMES = 16


class WalkPanel:
    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown, listed: list[tuple[str, int]]):
        self.library = library
        with gr.Accordion("Walk", open=False, elem_id="walk"):
            self.stars = gr.Dropdown(
                listed,
                value=[],
                multiselect=True,
                max_choices=MAX_STARS,
                label="Through",
                info="2 to 8, in this order",
                elem_id="walk-stars",
            )
            with gr.Row():
                self.frames = gr.Slider(2, MAX_FRAMES, 8, step=1, label="Frames between two")
                self.seed = gr.Number(1, label="Seed", precision=0, minimum=0)
                self.kind = gr.Radio(list(FORMATS), value="gif", label="Format")
            self.go = gr.Button("Walk", size="sm", elem_id="walk-go")
            self.line = gr.HTML(status(""))
            self.film = gr.Image(
                type="filepath",
                interactive=False,
                show_label=False,
                container=False,
                height=200,
                width=200,
                buttons=["download"],
                elem_classes="crisp",
                visible=False,
                elem_id="walk-film",
            )
        self.go.click(
            self.on_walk,
            [sets, model, self.stars, self.frames, self.seed, self.kind],
            [self.line, self.film],
            concurrency_id=DENOISING,
            **PRIVATE,
        )

    def views(self, shown_set: ShownSet) -> dict:
        """The choices for a set."""
        return {self.stars: gr.update(choices=[(shown_set.names[k], k) for k in shown_set.order], value=[])}

    def on_walk(
        self, sets: VisitorSets, model: str, stars: list[int], frames: int, seed: int, kind: str
    ) -> Iterator[dict]:
        studio = self.library.get(model)
        shown_set = sets.shown_set(studio)
        ids = or_gr_error(shown_set.check, list(stars or []))
        if not 2 <= frames <= MAX_FRAMES or not isinstance(seed, int) or seed < 0:
            raise gr.Error(f"frames: expected 2 to {MAX_FRAMES}, seed: from 0; got {frames} and {seed}")
        vectors = shown_set.vectors(ids) if ids else torch.zeros(0, shown_set.prototypes.dim)
        path = or_gr_error(lambda: loop_condition(vectors, int(frames), spherical=shown_set.prototypes.spherical))
        parts = []
        for first in range(0, len(path), BATCH):
            yield {self.line: status(f"frame {first} of {len(path)}", first / len(path))}
            parts.append(painted(studio, path[first : first + BATCH], seed, DEFAULT_STEPS))
        data = or_gr_error(animation, torch.cat(parts), kind)
        file = save_bytes_to_cache(data, f"walk.{kind}", gr.utils.get_upload_folder())
        names = " to ".join(shown_set.names[k] for k in [*ids, ids[0]])
        yield {self.line: status(f"{len(path)} frames, {names}"), self.film: gr.update(value=file, visible=True)}
