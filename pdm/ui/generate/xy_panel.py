"""Two things changed at once on Generate: a grid of pictures, labelled, that Stop ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import gradio as gr

from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.config import DEFAULT_STEPS
from pdm.support.checks import is_whole
from pdm.ui.generate.asked import request_of
from pdm.ui.generate.settings import Settings
from pdm.ui.generate.xy_grid import (
    AXES,
    GUIDANCE,
    MOST,
    NOTHING,
    PROTOTYPE,
    SAMPLER,
    SEED,
    STEPS,
    STRENGTH,
    WEIGHT,
    Value,
    cell,
    label,
    sheet,
    texts_of,
    values_of,
)
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared.downloads import saved_file
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.session import Picks, VisitorSets
from pdm.ui.shared.wording import heading, status

ABOUT = "One thing changes across, another down; all else is as in the settings, and the seed stays."
TYPED = {
    GUIDANCE: "1, 1.5, 2, 3",
    STEPS: "2, 4, 10, 20",
    SEED: "1, 2, 3, 4",
    STRENGTH: "0.5, 1, 2",
    WEIGHT: "0, 0.25, 0.5, 0.75, 1",
}


Sides = tuple[str, str, str, str]  # what changes across, its values as typed, and the same down


@dataclass(frozen=True)
class AskedGrid:
    """A grid to be painted without a click. Each is another one, by its `token`."""

    model: str
    picks: Picks
    sides: Sides
    token: str = field(default_factory=lambda: secrets.token_hex(8))


class XYPanel:
    """Laid out in the current column. `switch` is the Stop button that ends a grid."""

    def __init__(self, library: Library, settings: Settings, switch: StopSwitch):
        self.library, self.switch = library, switch
        self.asked_for = gr.State(None, time_to_live=SESSION_SECONDS)
        with gr.Accordion("Grid of two changes", open=False, elem_id="xy") as self.fold:
            gr.HTML(heading("", ABOUT))
            self.sides = []
            for name, axis in (("Across", GUIDANCE), ("Down", SEED)):
                with gr.Row():
                    kinds = [*AXES] if name == "Across" else [*AXES, NOTHING]
                    kind = gr.Dropdown(kinds, value=axis, label=name, min_width=120, elem_id=f"xy-{name.lower()}")
                    info = "with commas between, at most 8"
                    values = {"label": "Values", "info": info, "max_lines": 1, "max_length": 400}
                    typed = gr.Textbox(TYPED[axis], min_width=160, **values)
                self.sides += [kind, typed]
            self.go = gr.Button("Paint the grid", size="sm", elem_id="xy-go")
            self.line = gr.HTML(status(""), elem_id="xy-status")
            self.picture = gr.Image(
                type="filepath",
                interactive=False,
                show_label=False,
                container=False,
                buttons=["download", "fullscreen"],
                visible=False,
                elem_id="xy-picture",
            )
        self.asked = [settings.steps, settings.guidance, settings.sampler, settings.seed]

    def connect(self, picks: gr.State, sets: gr.State, model: gr.Dropdown) -> None:
        waiting = lambda before: {self.line: status(queued(before))}  # noqa: E731
        paint = gated(self.on_paint, _price, waiting=waiting, stopped=self.switch.asked_of(self.on_paint))
        given = [picks, sets, model, self.switch.pressed, *self.sides, *self.asked]
        self.go.click(paint, given, [self.line, self.picture], **QUICK)
        named = gated(self.on_asked, _price_asked, waiting=waiting, stopped=self.switch.asked_of(self.on_asked))
        given = [self.asked_for, sets, model, self.switch.pressed]
        self.asked_for.change(named, given, [self.line, self.picture], **LATEST)
        for kind, typed in zip(self.sides[::2], self.sides[1::2], strict=True):
            kind.input(self.on_kind, [picks, sets, model, kind], typed, **LATEST)

    def on_kind(self, picks: Picks, sets: VisitorSets, model: str, kind: str) -> str:
        """Values to begin with."""
        studio = self.library.get(model)
        shown_set = sets.shown_set(studio)
        if kind == PROTOTYPE:
            ids = [*dict.fromkeys((*picks.ids, *shown_set.prototypes.active))]  # those picked come first
            return ", ".join(shown_set.names[k] for k in ids[:4])
        return ", ".join(studio.pdm.samplers[:4]) if kind == SAMPLER else TYPED.get(kind, "")

    def on_paint(
        self, picks: Picks, sets: VisitorSets, model: str, pressed: float, across: str, xs: str, down: str, ys: str,
        steps, guidance, sampler, seed, asker: gr.Request,
    ) -> Iterator[dict]:  # fmt: skip
        studio = self.library.get(model)
        base = request_of(studio, picks, 1, steps, guidance, sampler, seed, sets.now(studio))
        base = replace(base, sampler=sampler)  # "auto" is another one for other steps
        yield from self._painted(sets.shown_set(studio), base, (across, xs, down, ys), asker, pressed)

    @property
    def asked_outputs(self) -> list:
        """Everything that `asked_views` sets."""
        return [self.asked_for, self.fold, *self.sides]

    def asked_views(self, model: str, picks: Picks, sides: Sides) -> dict:
        """A grid that is about to be painted without a click: its panel, open, with what changes along its sides."""
        asked = AskedGrid(model, picks, sides)
        return {self.asked_for: asked, self.fold: gr.update(open=True), **dict(zip(self.sides, sides, strict=True))}

    def on_asked(
        self, asked: AskedGrid | None, sets: VisitorSets, model: str, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """What was asked for elsewhere; nothing for a model that is no longer shown."""
        if asked is None or asked.model != model:
            yield {self.line: gr.skip()}
            return
        studio, picks = self.library.get(model), asked.picks
        base = Request("pdm", picks.ids, picks.weights, count=1, seed=1, prototype_set=sets.now(studio))
        yield from self._painted(sets.shown_set(studio), base, asked.sides, asker, pressed)

    def _painted(
        self, shown_set: ShownSet, base: Request, sides: Sides, asker: gr.Request, pressed: float
    ) -> Iterator[dict]:
        """The cells one by one, then all of them on one sheet; what there is of it where Stop was pressed."""
        studio, (across, xs, down, ys) = shown_set.studio, sides
        columns = or_gr_error(values_of, shown_set, across, xs)
        rows = or_gr_error(values_of, shown_set, down, ys)
        cells: list[Request] = [
            or_gr_error(cell, shown_set, base, [(down, y), (across, x)]) for y in rows for x in columns
        ]
        images, first = [], cells[0].recipe(studio, 0).to_json()
        for i, request in enumerate(cells):
            yield {self.line: status(f"picture {i + 1} of {len(cells)}", i / len(cells))}
            if self.switch.asked(asker, pressed):
                yield {self.line: status(f"stopped at picture {i + 1} of {len(cells)}")}
                break
            *_, last = run(studio, request)
            images.append(last.images[0])
        if not images:
            return
        above, beside = (
            [label(shown_set, axis, value) for value in values] for axis, values in ((across, columns), (down, rows))
        )
        data = sheet(images, above, beside, title(across, down), first, described(across, columns, down, rows))
        file = saved_file(data, f"{studio.name}-grid.png")
        shown = {self.picture: gr.update(value=file, visible=True)}
        yield shown if len(images) < len(cells) else {**shown, self.line: status(f"{len(cells)} pictures")}


def title(across: str, down: str) -> str:
    """The line over a grid."""
    return across if down == NOTHING else f"{across} across, {down[0].lower()}{down[1:]} down"


def described(across: str, columns: list[Value], down: str, rows: list[Value]) -> dict:
    """What changes along the sides, for the PNG."""
    return {"across": [across, columns], "down": [down, rows]}


def _price_asked(asked: AskedGrid | None, *rest) -> float:
    return 1.0 if asked is None else _price(None, None, None, None, *asked.sides, DEFAULT_STEPS, None)


def _price(picks, sets, model, pressed, across, xs, down, ys, steps, guidance, *rest) -> float:
    cells = min(MOST, len(texts_of(xs)) or 1) * min(MOST, len(texts_of(ys)) or 1)
    return price(cells, steps if is_whole(steps, DEFAULT_STEPS) else DEFAULT_STEPS, guidance)
