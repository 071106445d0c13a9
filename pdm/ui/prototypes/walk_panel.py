"""A walk through two to eight prototypes: a smooth loop at one seed, to watch and to keep."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import torch

from pdm.app.gate import price
from pdm.app.painting import painted
from pdm.app.requests import MAX_SEED
from pdm.app.shown_set import ShownSet
from pdm.config import DEFAULT_STEPS
from pdm.model.conditioning import Condition
from pdm.sampling.walk import FORMATS, MAX_STARS, animation, loop, loop_condition
from pdm.support.checks import is_whole, whole
from pdm.ui.guard.turns import gated, queued
from pdm.ui.prototypes.visit import Visit, choices, relisted
from pdm.ui.shared.downloads import saved_file
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import QUICK
from pdm.ui.shared.numbers import as_whole
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import status

BATCH = 16
MAX_FRAMES = 16


class WalkPanel:
    """Laid out in the current column."""

    def __init__(self, visit: Visit, shown_set: ShownSet):
        self.visit = visit
        with gr.Accordion("Walk", open=False, elem_id="walk"):
            self.stars = gr.Dropdown(
                choices(shown_set),
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
        asked = [*visit.inputs, self.stars, self.frames, self.seed, self.kind]
        walk = gated(self.on_walk, _price, waiting=lambda before: {self.line: status(queued(before))})
        self.go.click(walk, asked, [self.line, self.film], **QUICK)

    @property
    def outputs(self) -> list:
        """Everything that `views` sets."""
        return [self.stars]

    def views(self, shown_set: ShownSet, *, keep: bool = False) -> dict:
        """The list for a set, with nothing chosen from it, or with what is chosen."""
        return {self.stars: relisted(choices(shown_set), [], keep)}

    @property
    def kept(self) -> list:
        """The controls whose values a browser keeps."""
        return [self.stars, self.frames, self.seed, self.kind]

    def kept_views(self, shown_set: ShownSet, values: list | None) -> dict:
        """The controls as a browser kept them; nothing for values that they cannot have."""
        if values is None or not isinstance(values[0], list) or len(values[0]) > MAX_STARS:
            return {}
        stars, frames, seed, kind = values
        known = is_whole(frames, 2, MAX_FRAMES) and is_whole(seed, 0, MAX_SEED)
        if not known or not isinstance(kind, str) or kind not in FORMATS:
            return {}
        there = [k for k in stars if is_whole(k, 0) and k in shown_set.names]
        listed = gr.update(choices=choices(shown_set), value=list(dict.fromkeys(there)))
        return dict(zip(self.kept, [listed, frames, seed, kind], strict=True))

    def on_walk(
        self, sets: VisitorSets, model: str, stars: list[int], frames: int, seed: int, kind: str
    ) -> Iterator[dict]:
        shown_set = self.visit.shown_set(sets, model)
        ids, frames, seed = or_gr_error(checked_walk, shown_set, stars, frames, seed)
        path, guidance = or_gr_error(walk_path, shown_set, ids, frames)
        parts = []
        for first in range(0, len(path), BATCH):
            yield {self.line: status(f"frame {first} of {len(path)}", first / len(path))}
            rows = slice(first, first + BATCH)
            parts.append(painted(shown_set.studio, path[rows], seed, DEFAULT_STEPS, guidance[rows]))
        data = or_gr_error(animation, torch.cat(parts), kind)
        names = " to ".join(shown_set.names[k] for k in [*ids, ids[0]])
        film = gr.update(value=saved_file(data, f"walk.{kind}"), visible=True)
        yield {self.line: status(f"{len(path)} frames, {names}"), self.film: film}


def checked_walk(shown_set: ShownSet, stars: list[int] | None, frames: object, seed: object) -> tuple:
    """Prototype ids, frames between two of them, and a seed, as asked for. Raises ValueError for wrong ones."""
    ids, frames, seed = shown_set.check(list(stars or [])), as_whole(frames), as_whole(seed)
    whole("frames", frames, 2, MAX_FRAMES)
    whole("seed", seed, 0, MAX_SEED)
    return ids, frames, seed


def walk_path(shown_set: ShownSet, ids: list[int], frames: int) -> tuple[Condition, torch.Tensor]:
    """The condition of each frame of a walk, and the guidance scale of each (n * frames,).

    The guidance is the model's own times the strength of the prototypes, which changes along the way as the vectors
    do: so a frame at a prototype shows what that prototype paints by itself.
    """
    prototypes = shown_set.prototypes
    vectors = shown_set.vectors(ids) if ids else torch.zeros(0, prototypes.dim)
    path = loop_condition(vectors, frames, spherical=prototypes.spherical)
    strengths = torch.tensor([[prototypes.get(k).scale] for k in ids])  # (n, 1)
    return path, shown_set.studio.guidance * loop(strengths, frames)[:, 0]


def _price(sets: VisitorSets, model: str, stars: list[int], frames: int, seed: int, kind: str) -> float:
    """Of a walk: one picture a frame. What is wrong with the values is said when it is its turn."""
    return price(len(stars) * frames if isinstance(stars, list) and isinstance(frames, int) else 1, DEFAULT_STEPS)
