"""The Compare tab: a model's methods paint from the same seeds, with what conditioned them and what they cost."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from weakref import WeakKeyDictionary

import gradio as gr

from pdm.app.gate import price
from pdm.app.hints import first_hint
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import AUTO, MAX_COUNT, MAX_GUIDANCE, MAX_SEED, Request, resolved
from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.map.projection import kind_of
from pdm.ui.compare.bars import Shown, cost_bars, time_bars
from pdm.ui.compare.ways import OPENING, WAYS, first_request, painters, starting, ways
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared.descriptions import image_item
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, PRIVATE, QUICK, SESSION_SECONDS, StopSwitch, if_open
from pdm.ui.shared.evidence import evidence_views
from pdm.ui.shared.numbers import as_whole, tuned_steps
from pdm.ui.shared.session import VisitorSets, finished
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "The same seeds, painted by different methods. PDM looks at learned prototypes while it paints, RDM at images that "
    "it looks up in a memory, and the unconditional network at nothing. Below stands what each of them needs and saw."
)
EMPTY = "Press Compare."
GUIDANCE = "1 is off; higher follows the hints more"
HINTED = (
    "Every picture below starts from this {kind}. PDM sees it as its prototypes, RDM as its neighbours in the memory, "
    "and the unconditional network does not see it."
)


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
            none = pictures(None, [], empty="Nothing chosen here, or this model was not trained that way.")
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
                    0,
                    MAX_GUIDANCE,
                    library.get().guidance,
                    step=0.1,
                    label="Guidance",
                    info=GUIDANCE,
                )
                self.seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
                locked = gr.Checkbox(False, label="Lock seed (same pictures every time)")
        with gr.Row(elem_classes="hint-row"):
            self.hint = PictureGrid(elem_id="hint")
            self.hint_title = gr.HTML("", elem_id="hint-title")
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
        hint = [self.hint_title, self.hint]
        flat = [c for column in self.columns for c in (column.grid, column.because, column.evidence)]
        asked = [c for column in self.columns for c in column.asked]
        self.run = go.click(
            gated(self.on_compare, _price, waiting=self._waits, stopped=self.switch.asked_of(self.on_compare)),
            [sets, model, count, self.guidance, self.seed, locked, self.switch.pressed, *asked],
            [self.compared, self.seed, self.line, self.times, self.sizes, *hint, *self.steps, *flat],
            **QUICK,
        )
        for column in self.columns:
            column.grid.pick(self.on_look, [self.compared], flat, **EVERY)
            column.way.input(self._chooser(column), [model, column.way, column.steps], column.asked, **LATEST)
        self.of_model = [self.sizes, self.guidance, self.compared, self.line, self.times, *hint, *asked, *flat]
        self.model, self.go, self.flat, self.open = model, go, flat, gr.Checkbox(False, visible=False)
        self._firsts: WeakKeyDictionary[Studio, list[Shown | None]] = WeakKeyDictionary()

    def _chooser(self, column: Column):
        def choose(model: str, way: str, steps: float) -> dict:
            return or_gr_error(column.choices, self.library.get(model), way, steps)

        return choose

    def open_on(self, *events: Callable) -> None:
        """Compare once where one of these happens while the tab is open and empty: nobody has to ask for the first."""
        self.first = []
        outputs = [self.compared, self.line, self.times, self.sizes, self.hint_title, self.hint, *self.flat]
        for event in events:
            stopped = self.switch.asked_of(self.on_first)
            handler = gated(self.on_first, _price_first, waiting=self._waits, stopped=stopped)
            asked = [self.model, self.compared, self.switch.pressed, self.open]
            self.first.append(event(handler, asked, outputs, js=if_open("#compare"), **QUICK))
        self.go.click(None, None, None, cancels=self.first, queue=False, **PRIVATE)

    def on_first(self, asker: gr.Request, model: str, compared: tuple, pressed: float, opened: bool) -> Iterator[dict]:
        """The methods that a model opens with, all from one training image: painted once for all visitors."""
        if not opened or compared:
            yield {self.line: gr.skip()}
            return
        studio = self.library.get(model)
        if studio not in self._firsts:
            requests = [(way, first_request(studio, way)) for way in starting(studio)]
            shown = yield from self._painted(studio, requests, lambda: self.switch.asked(asker, pressed))
            if not shown:
                return
            self._firsts[studio] = shown
        shown, hint = self._firsts[studio], first_hint(studio)
        yield {
            **self._done(studio, shown, "Press Compare to let each method draw its own hints, as it does by itself."),
            self.hint_title: heading("One hint for all", HINTED.format(kind=kind_of(studio.map.generated, 1))),
            self.hint: pictures(studio.map.images[[hint]], [image_item(studio, hint)], across=1, still=True),
        }

    def _painted(
        self,
        studio: Studio,
        requests: Sequence[tuple[str, Request | None]],
        stopped: Callable[[], bool],
    ) -> Generator[dict, None, list[Shown | None]]:
        """Paint the columns one after the other, step by step. Returns what they show; nothing once it was stopped."""
        shown: list[Shown | None] = [None] * len(self.columns)
        for i, (way, request) in enumerate(requests):
            if request is None:
                continue
            title = WAYS[way].title
            for frame in run(studio, request):
                if stopped():
                    yield {self.line: status(f"stopped at {title}, step {frame.step}")}
                    return []
                text = f"{title}: step {frame.step} of {frame.total}"
                items = [Item(k) for k in range(request.count)]
                yield {
                    self.line: status(text, (i + frame.step / frame.total) / len(requests)),
                    # Not to be clicked: they are not what was compared last.
                    self.columns[i].grid: pictures(frame.images, items, across=across(request.count), still=True),
                }
                if frame.done:
                    shown[i] = Shown(way, finished(studio, request, frame))
        return shown

    def _done(self, studio: Studio, shown: Sequence[Shown | None], line: str) -> dict:
        """A comparison once it is made, with its first pictures chosen."""
        return {
            self.compared: tuple(shown),
            self.line: status(line),
            self.times: time_bars([s for s in shown if s]),
            self.sizes: cost_bars(studio, {s.batch.request.method for s in shown if s}),
            **self._looked(studio, shown, 0),
        }

    def _waits(self, before: int | str) -> dict:
        return {self.line: status(queued(before))}

    def on_model(self, model: str, *steps: float) -> dict:
        """Another model was chosen: only what that one has is offered, and nothing of the last one stays."""
        studio = self.library.get(model)
        views = {self.sizes: cost_bars(studio), self.guidance: studio.guidance}
        views |= {self.compared: (), self.line: status(EMPTY), self.times: "", **self._no_hint()}
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
        yield {self.seed: seed, self.line: status("starting", 0.0), **taken, **self._no_hint()}
        shown = yield from self._painted(studio, requests, lambda: self.switch.asked(asker, pressed))
        if shown:
            yield self._done(studio, shown, f"Seed {seed}. Click a picture to see what it and its twins are made of.")

    def _no_hint(self) -> dict:
        return {self.hint_title: "", self.hint: pictures(None, [])}

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
            raise gr.Error("Choose at least one method to compare.", print_exception=False)
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


def _price_first(asker, model: str, compared: tuple, pressed: float, opened: bool) -> float:
    return price(3 * OPENING, DEFAULT_STEPS) if opened and not compared else 1


def _price(asker, sets, model, count, guidance, seed, locked, pressed, *asked) -> float:
    """Of all columns: as many pictures in the steps of each."""
    steps = [v for v in asked if isinstance(v, int | float) and not isinstance(v, bool)]
    return price(count, sum(steps) or DEFAULT_STEPS, guidance)
