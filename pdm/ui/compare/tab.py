"""The Compare tab: a model's methods paint from the same seeds, with what conditioned them and what they cost."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import gradio as gr

from pdm.app.costs import bytes_kept
from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import AUTO, MAX_COUNT, MAX_GUIDANCE, MAX_SEED, Request, resolved
from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.methods import METHODS
from pdm.ui.compare.ways import WAYS, painters, starting, ways
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.evidence import evidence_views
from pdm.ui.shared.numbers import as_whole, tuned_steps
from pdm.ui.shared.session import Batch, VisitorSets, finished
from pdm.ui.shared.wording import COLOURS, SHORT_NAMES, bars, count_of, heading, milliseconds, painter, size, status

ABOUT = (
    "The same seeds, painted by different methods. PDM attends to learned prototypes, RDM to images it retrieves from "
    "a memory, the unconditional network to nothing. A model offers the methods that were trained for it; what each "
    "net saw in training stands below."
)
EMPTY = "Press Compare."


@dataclass(frozen=True)
class Shown:
    """What a column has painted."""

    way: str
    batch: Batch

    @property
    def label(self) -> str:
        request = self.batch.request
        return f"{SHORT_NAMES[request.method]}{painter(request.sampler)}, {count_of(request.steps, 'step')}"


class Column:
    """One of the grids side by side, and under it what conditioned the picture that was clicked."""

    def __init__(self, number: int, way: str, studio: Studio):
        with gr.Column(min_width=260):
            self.way = gr.Dropdown(
                ways(studio), value=way, show_label=False, container=False, elem_id=f"compare-way-{number}"
            )
            self.grid = PictureGrid(elem_id=f"compare-{number}")
            with gr.Accordion("Sampler and steps", open=False):
                names, most = painters(studio, way)
                self.sampler = gr.Dropdown(names, value=AUTO, label="Sampler", elem_id=f"compare-sampler-{number}")
                self.steps = gr.Slider(1, most, DEFAULT_STEPS, step=1, label="Steps", elem_id=f"compare-steps-{number}")
            self.because = gr.HTML("", elem_id=f"because-{number}")
            self.evidence = PictureGrid(elem_id=f"evidence-{number}")

    @property
    def asked(self) -> list:
        return [self.way, self.sampler, self.steps]

    def choices(self, studio: Studio, way: str, steps: float) -> dict:
        """The samplers and numbers of steps that a way of this model can be painted with."""
        names, most = painters(studio, way)
        return {
            self.way: gr.update(choices=ways(studio), value=way),
            self.sampler: gr.update(choices=names, value=WAYS[way].sampler if way in WAYS else AUTO),
            self.steps: gr.update(maximum=most, value=min(steps, most)),
        }

    def views(self, studio: Studio, shown: Shown | None, index: int) -> dict:
        """The grid with picture `index` marked, and what conditioned that picture."""
        if shown is None:
            none = pictures(None, [], empty="Nothing chosen here, or not trained for this data set.")
            return {self.grid: none, self.because: "", self.evidence: pictures(None, [])}
        batch = shown.batch
        items = [Item(i) for i in range(len(batch))]
        grid = pictures(batch.tensor(), items, across=across(len(batch)), selected=[index])
        text, evidence = evidence_views(studio, batch, index)
        return {self.grid: grid, self.because: text, self.evidence: evidence}


class CompareTab:
    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown):
        self.library = library
        gr.Markdown(ABOUT, elem_classes="about")
        with gr.Row(elem_classes="actions"):
            go = gr.Button("Compare", variant="primary", scale=3, elem_id="compare")
            stop = gr.Button("Stop", scale=1)
        self.line = gr.HTML(status(EMPTY), elem_id="compare-status")
        with gr.Accordion("Settings", open=False):
            with gr.Row():
                count = gr.Slider(1, 16, 9, step=1, label="Pictures each")
                self.guidance = gr.Slider(
                    0, MAX_GUIDANCE, library.get().guidance, step=0.1, label="Guidance", info="1 is none"
                )
                self.seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
                locked = gr.Checkbox(False, label="Keep the seed", info="else each run draws a new one")
        with gr.Row(elem_classes="columns twins"):
            self.columns = [Column(i + 1, way, library.get()) for i, way in enumerate(starting(library.get()))]
        with gr.Row(elem_classes="columns"):
            with gr.Column():
                self.sizes = gr.HTML(cost_bars(library.get()), elem_id="sizes")
            with gr.Column():
                self.times = gr.HTML("", elem_id="times")
        self.switch = StopSwitch(stop)
        self.steps = [column.steps for column in self.columns]
        self.compared = gr.State((), time_to_live=SESSION_SECONDS)  # what each column of the last comparison shows
        flat = [c for column in self.columns for c in (column.grid, column.because, column.evidence)]
        asked = [c for column in self.columns for c in column.asked]
        self.run = go.click(
            gated(self.on_compare, _price, waiting=self._waits, stopped=self.switch.asked_of(self.on_compare)),
            [sets, model, count, self.guidance, self.seed, locked, self.switch.pressed, *asked],
            [self.compared, self.seed, self.line, self.times, self.sizes, *self.steps, *flat],
            **QUICK,
        )
        for column in self.columns:
            column.grid.pick(self.on_look, [self.compared], flat, **EVERY)
            column.way.input(self._chooser(column), [model, column.way, column.steps], column.asked, **LATEST)
        self.of_model = [self.sizes, self.guidance, self.compared, self.line, self.times, *asked, *flat]

    def _chooser(self, column: Column):
        def choose(model: str, way: str, steps: float) -> dict:
            return or_gr_error(column.choices, self.library.get(model), way, steps)

        return choose

    def _waits(self, before: int | str) -> dict:
        return {self.line: status(queued(before))}

    def on_model(self, model: str, *steps: float) -> dict:
        """Another model was chosen: only what that one has is offered, and nothing of the last one stays."""
        studio = self.library.get(model)
        views = {self.sizes: cost_bars(studio), self.guidance: studio.guidance}
        views |= {self.compared: (), self.line: status(EMPTY), self.times: ""}
        for column, way, n in zip(self.columns, starting(studio), steps, strict=True):
            views |= column.choices(studio, way, n)
            views |= {column.grid: pictures(None, []), column.because: "", column.evidence: pictures(None, [])}
        return views

    def on_compare(
        self, asker: gr.Request, sets: VisitorSets, model, count, guidance, seed, locked, pressed, *asked
    ) -> Iterator[dict]:
        studio = self.library.get(model)
        seed = seed if locked else random.randrange(MAX_SEED - MAX_COUNT)
        requests = self._requests(studio, sets, (count, guidance, seed), asked)
        taken = {c.steps: r.steps for c, (_, r) in zip(self.columns, requests, strict=True) if r}
        yield {self.seed: seed, self.line: status("starting", 0.0), **taken}
        shown: list[Shown | None] = [None] * len(self.columns)
        for i, (way, request) in enumerate(requests):
            if request is None:
                continue
            title = WAYS[way].title
            for frame in run(studio, request):
                if self.switch.asked(asker, pressed):
                    yield {self.line: status(f"stopped at {title}, step {frame.step}")}
                    return
                text = f"{title}: step {frame.step} of {frame.total}"
                items = [Item(k) for k in range(request.count)]
                yield {
                    self.line: status(text, (i + frame.step / frame.total) / len(requests)),
                    # Not to be clicked: they are not what was compared last.
                    self.columns[i].grid: pictures(frame.images, items, across=across(request.count), still=True),
                }
                if frame.done:
                    shown[i] = Shown(way, finished(studio, request, frame))
        yield {
            self.compared: tuple(shown),
            self.line: status(f"Seed {seed}. Click a picture to see what conditioned its twins."),
            self.times: time_bars([s for s in shown if s]),
            self.sizes: cost_bars(studio, {s.batch.request.method for s in shown if s}),
            **self._looked(studio, shown, 0),
        }

    def _requests(
        self, studio: Studio, sets: VisitorSets, common: tuple, asked: Sequence
    ) -> list[tuple[str, Request | None]]:
        """Each column's way and request; None for a column that shows nothing. Raises gr.Error for wrong values."""
        count, guidance, seed = common
        requests: list[tuple[str, Request | None]] = []
        for way, sampler, steps in zip(*[iter(asked)] * 3, strict=True):
            known = WAYS.get(way)
            if known is None or known.method not in studio.methods:
                requests.append((way, None))
                continue
            own = sets.now(studio) if known.method == "pdm" else None
            strength = 1.0 if known.method == "paper" else guidance  # it was trained without a null condition
            request = Request(
                known.method,
                count=as_whole(count),
                seed=as_whole(seed),
                steps=tuned_steps(sampler, as_whole(steps)),
                guidance=strength,
                sampler=sampler,
                prototype_set=own,
                top_m=known.top_m,
            )
            try:
                requests.append((way, resolved(studio, request)))
            except ValueError as error:
                raise gr.Error(str(error), title="That can't be compared", print_exception=False) from error
        if not any(request for _, request in requests):
            raise gr.Error("methods: expected at least one, got none", print_exception=False)
        return requests

    def on_look(self, compared: tuple[Shown | None, ...], event: gr.EventData) -> dict:
        batches = [s.batch for s in compared if s]
        if not batches or not 0 <= int(event.id) < len(batches[0]):
            return {self.line: gr.skip()}
        return self._looked(self.library.get(batches[0].model), compared, int(event.id))

    def _looked(self, studio: Studio, shown: Sequence[Shown | None], index: int) -> dict:
        views: dict = {}
        for column, one in zip(self.columns, shown, strict=True):
            views |= column.views(studio, one, index)
        return views


def across(count: int) -> int:
    return 3 if count <= 9 else 4


def time_bars(shown: Sequence[Shown]) -> str:
    """Milliseconds of the comparison that was just made."""
    rows = []
    for one in shown:
        batch, colour = one.batch, COLOURS[one.batch.request.method]
        rows.append((f"{one.label}: condition", batch.find_ms, milliseconds(batch.find_ms), colour))
        rows.append((f"{one.label}: denoising", batch.denoise_ms, milliseconds(batch.denoise_ms), colour))
    return heading("Time", f"Measured just now, for {len(shown[0].batch)} pictures each.") + bars(rows)


def cost_bars(studio: Studio, methods: Collection[str] = ("pdm", "rdm")) -> str:
    """What each of these methods must keep beside the network, and how many images its net saw."""
    return size_bars(studio, methods) + seen_bars(studio, methods)


def size_bars(studio: Studio, methods: Collection[str]) -> str:
    rows = [
        (f"{SHORT_NAMES[method]}, {where}", float(count), size(count), COLOURS[method])
        for method, kept in bytes_kept(studio, methods).items()
        for where, count in kept.items()
    ]
    return heading("What it must keep", "Beside the network itself.") + bars(rows)


def seen_bars(studio: Studio, methods: Collection[str]) -> str:
    """How many images each method's net was trained on. Methods whose card does not say so are left out.

    A model without a net for "unconditional" uses the null branch of PDM's net.
    """
    nets = {m: "pdm" if m == "unconditional" and m not in studio.others else m for m in methods}
    seen = {m: studio.images_seen[nets[m]] for m in METHODS if m in nets and nets[m] in studio.images_seen}
    rows = [(SHORT_NAMES[m], float(count), f"{count:,}", COLOURS[m]) for m, count in seen.items()]
    return heading("What its net was trained on", "Images, repeats counted.") + bars(rows) if rows else ""


def _price(sets, model, count, guidance, seed, locked, pressed, *asked) -> float:
    """Of all columns: as many pictures in the steps of each."""
    steps = [v for v in asked if isinstance(v, int | float) and not isinstance(v, bool)]
    return price(count, sum(steps) or DEFAULT_STEPS, guidance)
