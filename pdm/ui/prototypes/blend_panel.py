"""Between two prototypes: a film of the way from A to B, and blends and analogies kept as prototypes."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import torch

from pdm.app.painting import painted
from pdm.app.shown_set import ShownSet
from pdm.config import DEFAULT_STEPS
from pdm.editing.operations import BLENDED, between
from pdm.editing.prototype_set import MAX_SCALE, tensor_of
from pdm.model.conditioning import from_vectors
from pdm.support.checks import is_number, is_whole
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.guard.turns import fixed, gated, queued
from pdm.ui.prototypes.asked_edit import AskedEdit
from pdm.ui.prototypes.visit import Visit, choices, relisted
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, QUICK
from pdm.ui.shared.previews import SEED
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import status

FILM = 7  # pictures of a film


class BlendPanel:
    """Laid out in the current column."""

    def __init__(self, visit: Visit, shown_set: ShownSet):
        self.visit = visit
        listed = choices(shown_set)
        with gr.Accordion("Blend two", open=False, elem_id="blend"):
            with gr.Row():
                self.a = gr.Dropdown(listed, value=None, label="From A")
                self.b = gr.Dropdown(listed, value=None, label="To B")
            with gr.Row():
                self.t = gr.Slider(0, 1, 0.5, step=0.01, label="How far from A to B")
                self.strength = gr.Slider(
                    0, MAX_SCALE, BLENDED, step=0.1, label="Strength", info="between two, pictures need a little more"
                )
            self.line = gr.HTML(status(""))
            self.film = PictureGrid(elem_id="film")
            with gr.Row(elem_classes="tight"):
                self.show_film = gr.Button("Show the way from A to B", size="sm", elem_id="show-film")
                self.keep = gr.Button("Keep this blend", size="sm", elem_id="keep-blend")
            with gr.Row(elem_classes="ends"):
                self.c = gr.Dropdown(listed, value=None, label="C, for A - B + C")
                self.keep_analogy = gr.Button("Add A - B + C", size="sm", scale=0, min_width=130, elem_id="analogy")
        waiting = lambda before: {self.line: status(queued(before))}  # noqa: E731
        film = gated(self.on_film, fixed(FILM, DEFAULT_STEPS), waiting=waiting)
        self.show_film.click(film, [*visit.inputs, self.a, self.b, self.strength], [self.line, self.film], **QUICK)
        self.film.pick(self.on_film_pick, None, self.t, **EVERY)

    @property
    def outputs(self) -> list:
        """Everything that `views` sets."""
        return [self.a, self.b, self.c]

    def views(self, shown_set: ShownSet, *, keep: bool = False) -> dict:
        """The lists for a set, with nothing chosen from them, or with what is chosen."""
        listed = choices(shown_set)
        return {component: relisted(listed, None, keep) for component in self.outputs}

    @property
    def kept(self) -> list:
        """The controls whose values a browser keeps."""
        return [self.a, self.b, self.c, self.t, self.strength]

    def kept_views(self, shown_set: ShownSet, values: list | None) -> dict:
        """The controls as a browser kept them; nothing for values that they cannot have."""
        if values is None or not (is_number(values[3], 0, 1) and is_number(values[4], 0, MAX_SCALE)):
            return {}
        ends = [k if is_whole(k, 0) and k in shown_set.names else None for k in values[:3]]
        listed = [gr.update(choices=choices(shown_set), value=k) for k in ends]
        return dict(zip(self.kept, [*listed, *values[3:]], strict=True))

    def edits(self) -> list[AskedEdit]:
        """What these controls ask for."""
        return [
            AskedEdit(
                self.keep.click,
                "blend",
                lambda v, k, a, b, t, s: {**ends("A and B", a=a, b=b), "t": t, "strength": s},
                [self.a, self.b, self.t, self.strength],
            ),
            AskedEdit(
                self.keep_analogy.click,
                "analogy",
                lambda v, k, a, b, c: ends("A, B and C", a=a, b=b, c=c),
                [self.a, self.b, self.c],
            ),
        ]

    def on_film(self, sets: VisitorSets, model: str, a: int | None, b: int | None, strength: float) -> Iterator[dict]:
        """Pictures from one seed of vectors on the way from A to B, which belong to no prototype yet."""
        shown_set = self.visit.shown_set(sets, model)
        if a is None or b is None:
            raise gr.Error("Choose A and B first.", print_exception=False)
        or_gr_error(shown_set.check, [a, b])
        yield {self.line: status("painting", 0.5)}
        items = [Item(i, f"{100 * i / (FILM - 1):.0f} %") for i in range(FILM)]
        text = f"From {shown_set.names[a]} to {shown_set.names[b]}. Click the one you like, then keep it."
        film = pictures(or_gr_error(film_frames, shown_set, a, b, strength), items, across=FILM)
        yield {self.line: status(text), self.film: film}

    def on_film_pick(self, event: gr.EventData) -> float:
        """How far from A to B the picked picture is."""
        return min(1.0, max(0.0, round(int(event.id) / (FILM - 1), 2)))


def ends(which: str, **chosen: int | None) -> dict[str, int | None]:
    """The prototypes of an edit by their letters. Raises ValueError unless all were chosen."""
    if None in chosen.values():
        raise ValueError(f"Choose {which} first.")
    return chosen


def film_frames(shown_set: ShownSet, a: int, b: int, strength: float) -> torch.Tensor:
    """The pictures of a film, uint8 (FILM, C, H, W): each conditions as strongly as the blend there would."""
    studio, prototypes = shown_set.studio, shown_set.prototypes
    vectors, scales = zip(*(between(prototypes, a, b, i / (FILM - 1), strength) for i in range(FILM)), strict=True)
    ids, ones = torch.arange(FILM)[:, None], torch.ones(FILM, 1)
    way = tensor_of(vectors, prototypes.dim)
    condition = from_vectors(way, ids, ones, spherical=prototypes.spherical)
    return painted(studio, condition, SEED, DEFAULT_STEPS, studio.guidance * torch.tensor(scales))
