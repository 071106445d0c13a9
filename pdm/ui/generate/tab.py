"""The Generate tab: pick prototypes, watch pictures appear, see what made each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import gradio as gr

from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.sampling.student import STUDENT
from pdm.ui.components.mixer import Mixer, mix
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.generate.asked import Arrival, check_model, heard, mix_in, price_again, price_arriving, price_of, request_of
from pdm.ui.generate.batch_files import BatchFiles
from pdm.ui.generate.batches import across, item_of, items_of, said, stacked
from pdm.ui.generate.detail import Detail
from pdm.ui.generate.experiment_cards import ExperimentCards
from pdm.ui.generate.favourites import Favourites
from pdm.ui.generate.recipe_file import request_in
from pdm.ui.generate.settings import Settings, random_seed
from pdm.ui.generate.sketch import MIXED, Sketch
from pdm.ui.generate.xy_panel import XYPanel
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared import link
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.kept_batches import to_keep
from pdm.ui.shared.kept_visit import FORGET, KeptStates, picks_to_keep
from pdm.ui.shared.latest import Turns
from pdm.ui.shared.numbers import as_whole
from pdm.ui.shared.session import Batch, BatchHistory, Picks, VisitorSets, finished
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "A diffusion model that paints from *prototypes*: vectors it learned to sum up its training images. Pick one or "
    "mix several, and the same network paints what they stand for. There is no image database behind it."
)
EARLIER = "Kept in this browser: it is here when you come back."
# A picture that a link asked for is among the visitor's own now: a reload does not ask for it once more.
ARRIVED = f"() => {link.ASK_NOTHING}"


class GenerateTab:
    """`gallery` are the components that show what is picked, `batch` those that show what was made.

    The start of a visit and the other tabs fill them, too. `arriving` is what is to be painted without a click.
    """

    def __init__(
        self,
        library: Library,
        opening: BatchHistory,
        sets: gr.State,
        model: gr.Dropdown,
        kept: KeptStates | None = None,
        *,
        read_only: bool = False,
    ):
        """`kept` is what the browser keeps. read_only: what would upload a file is not shown."""
        self.library, self.kept, self.looks = library, kept or KeptStates.laid_out(), Turns()
        self.picks = gr.State(Picks(), time_to_live=SESSION_SECONDS)
        self.made = gr.State(opening, time_to_live=SESSION_SECONDS)
        self.arriving = gr.State(None, time_to_live=SESSION_SECONDS)
        gr.Markdown(ABOUT, elem_classes="about")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_classes="actions"):
                    go = gr.Button("Generate", variant="primary", scale=3, elem_id="generate")
                    stop = gr.Button("Stop", scale=1, elem_id="stop")
                self.line = gr.HTML(status(""), elem_id="generate-status")
                self.grid = PictureGrid(elem_id="made")
                with gr.Row(elem_classes="tight"):
                    self.files = BatchFiles(library)
                    self.open = gr.UploadButton(
                        "Open a PNG", size="sm", file_types=[".png"], visible=not read_only, elem_id="open-png"
                    )
                self.settings, self.switch = Settings(library.get()), StopSwitch(stop)
                self.grid_of_two = XYPanel(library, self.settings, self.switch)
                with gr.Row(elem_classes="earlier"):
                    gr.HTML(heading("Earlier", EARLIER))
                    forget = gr.Button("Clear all", size="sm", scale=0, min_width=90, elem_id="forget")
                self.history = PictureGrid(pictures(None, [], empty="What you paint lines up here."), elem_id="history")
                self.favourites = Favourites(library, self.kept.favourites)
            with gr.Column(scale=4, min_width=320):
                gr.HTML(heading("Prototypes", "Pick one or several. The bar shows how common each is."))
                self.mixer = Mixer(elem_id="mixer")
                self.prototypes = PictureGrid(elem_id="prototypes", elem_classes="scroll")
                self.experiments = ExperimentCards(library)
                self.detail = Detail(library, self.made)
        self.sketch = Sketch(library, self.settings, self.line, self.grid)
        self.gallery = [self.picks, self.prototypes, self.mixer, self.kept.picks]
        self.of_model = [*self.settings.of_model, self.experiments.grid]
        self.batch = [self.made, self.line, self.grid, self.history, *self.detail.outputs]
        forget.click(None, None, None, js=FORGET)
        self._connect(go, sets, model)

    def _connect(self, go: gr.Button, sets: gr.State, model: gr.Dropdown) -> None:
        settings, detail = self.settings, self.detail
        changed = [
            self.prototypes.pick(self.on_pick, [self.picks, sets, model], self.gallery, js=MIXED, **EVERY),
            self.mixer.drop(self.on_pick, [self.picks, sets, model], self.gallery, js=MIXED, **EVERY),
            self.mixer.mix(self.on_mix, [sets, model], self.gallery, js=MIXED, **EVERY),
        ]
        self.sketch.connect(self.picks, sets, model, self.mixer, changed)
        asked = [self.picks, sets, self.made, model, self.switch.pressed, *settings.values]
        painted = [*self.batch, settings.seed, settings.steps]
        generated = go.click(self._gated(self.on_generate, price_of), asked, painted, **QUICK)
        looked = self.grid.pick(self.on_look, self.made, [self.grid, *detail.outputs], **EVERY)
        recalled = self.history.pick(self.on_recall, self.made, [*self.batch, self.arriving], **EVERY)
        taken = detail.again.click(self.on_again, [self.made, sets, model], [*self.gallery, *settings.values], **QUICK)
        asked = [self.made, model, detail.chosen, self.switch.pressed]
        repeated = taken.success(self._gated(self.on_repeat, price_again), asked, painted, **QUICK)
        liked = self.favourites.connect(self.made, detail, self.batch_views, self.batch)
        asked = [self.arriving, self.made, model, self.switch.pressed]
        arrived = self.arriving.change(self._gated(self.on_arrive, price_arriving), asked, painted, **LATEST)
        self.runs = [generated, repeated, arrived]
        self.sketch.give_way_to(go)
        detail.why.forget_on(looked, recalled, liked, *self.runs)
        same = settings.same.click(self.on_same_seed, self.made, [settings.seed, settings.locked], **QUICK)
        new = settings.new.click(settings.new_seed, None, [settings.seed, settings.locked], **QUICK)
        arrived.success(None, None, None, js=ARRIVED)
        self.files.connect(self.made)
        self.grid_of_two.connect(self.picks, sets, model)
        views, told = (self.picked_views, self.arrival_views), [*self.gallery, *settings.values, self.arriving]
        tried = self.experiments.connect(sets, model, self.grid_of_two, *views, told)
        opened = self.open.upload(self.on_open, [self.open, sets, model, settings.count], told, **QUICK)
        for event in (*self.runs, recalled, liked):
            event.success(self.on_keep, self.made, self.kept.batches, **LATEST)
        self.sets_settings = [taken, same, new, opened, tried, *self.runs]

    def _gated(self, handler: Callable, price: Callable) -> Callable:
        """A handler that paints: it waits for its turn, with a bar that says so, and Stop ends it."""
        waiting = lambda n: {self.line: status(queued(n), None if isinstance(n, str) else 0.0)}  # noqa: E731
        return gated(handler, price, waiting=waiting, stopped=self.switch.asked_of(handler))

    def picked_views(self, shown_set: ShownSet, picks: Picks) -> dict:
        """The gallery of prototypes and the mixer for what is picked."""
        items = items_of(shown_set)
        return {
            self.picks: picks,
            self.prototypes: pictures(shown_set.pictures(shown_set.order), items, cell=98, selected=list(picks.ids)),
            self.mixer: mix(shown_set, list(picks.ids), list(picks.weights)),
            self.kept.picks: picks_to_keep(shown_set.studio.name, picks),
        }

    def batch_views(self, made: BatchHistory, index: int = 0) -> dict:
        """The shown batch with one of its pictures chosen, and the strip of all batches."""
        batch = made.batch
        assert batch is not None
        items = [item_of(i, b, b.shown_set(self.library.get(b.model))) for i, b in enumerate(made.batches)]
        return {
            self.made: made,
            self.line: said(batch),
            self.history: pictures(
                stacked([b.tensor()[0] for b in made.batches]), items, cell=84, selected=[made.shown]
            ),
            **self._looked(batch, index),
        }

    def _looked(self, batch: Batch, index: int) -> dict:
        """A batch with one of its pictures chosen."""
        items = [Item(i) for i in range(len(batch))]
        grid = pictures(batch.tensor(), items, across=across(len(batch)), selected=[index])
        return {self.grid: grid, **self.detail.views(self.library.get(batch.model), batch, index)}

    def on_pick(self, picks: Picks, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = sets.shown_set(self.library.get(model))
        return self.picked_views(shown_set, picks.toggled(heard(shown_set, event.id)))

    def on_mix(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = sets.shown_set(self.library.get(model))
        return self.picked_views(shown_set, mix_in(shown_set, event))

    def on_generate(
        self,
        picks: Picks,
        sets: VisitorSets,
        made: BatchHistory,
        model,
        pressed,
        count,
        steps,
        guidance,
        sampler,
        seed,
        locked,
        asker: gr.Request,
    ) -> Iterator[dict]:
        studio = self.library.get(model)
        if not locked:
            seed = random_seed()
        request = request_of(studio, picks, count, steps, guidance, sampler, seed, sets.now(studio))
        yield from self._painted(studio, request, made, asker, pressed)

    def on_repeat(
        self, made: BatchHistory, model: str, chosen: int, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """The shown pictures once more, by the very request that made them, with the set as it was then."""
        batch = check_model(made.batch, model)
        index = chosen if isinstance(chosen, int) and 0 <= chosen < len(batch) else 0
        yield from self._painted(self.library.get(model), batch.request, made, asker, pressed, index)

    def arrival_views(self, arrival: Arrival) -> dict:
        """What a link asks for, about to be painted: its settings."""
        return {self.arriving: arrival, **self.settings.recipe_views(arrival.request, arrival.request.count)}

    def on_arrive(
        self, arrival: Arrival | None, made: BatchHistory, model: str, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """What a link asks for, or what was kept in part; nothing for a model that is no longer shown."""
        if arrival is None or arrival.model != model:
            yield {self.line: gr.skip()}
        else:
            studio, request = self.library.get(model), arrival.request
            yield from self._painted(studio, request, made, asker, pressed, arrival.index, arrival.place)

    def _painted(
        self,
        studio: Studio,
        request: Request,
        made: BatchHistory,
        asker: gr.Request,
        pressed: float,
        index: int = 0,
        place: int = -1,
    ) -> Iterator[dict]:
        """Paint a request step by step, then show it with one of its pictures chosen.

        It is the latest batch, or the one at a `place` of the visit's, which it makes again.
        """
        at_once = request.sampler == STUDENT and request.count <= 16  # too quick for its steps to be seen
        if not at_once:
            yield {**self.settings.drawn(request), self.line: status("starting", 0.0)}
        for frame in run(studio, request):
            if self.switch.asked(asker, pressed):
                yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return
            if frame.done:
                made = made.repainted(place, finished(studio, request, frame))
                yield {**self.settings.drawn(request), **self.batch_views(made, index)}
            elif not at_once:
                items = [Item(i) for i in range(len(frame.images))]
                yield {
                    self.line: status(f"step {frame.step} of {frame.total}", frame.step / frame.total),
                    # Not to be clicked: they are no batch, which a click would bring back in their place.
                    self.grid: pictures(frame.images, items, across=across(len(items)), still=True),
                }

    def on_look(self, made: BatchHistory, event: gr.EventData, asker: gr.Request) -> dict:
        batch, index = made.batch, int(event.id)
        if or_gr_error(self.looks.outdated, asker.session_hash, event.turn) or batch is None:
            return gr.skip()
        if not 0 <= index < len(batch):
            raise gr.Error(f"picture: expected 0 to {len(batch) - 1}, got {index}")
        return self._looked(batch, index)

    def on_recall(self, made: BatchHistory, event: gr.EventData) -> dict:
        index = int(event.id)
        if not 0 <= index < len(made.batches):
            raise gr.Error(f"history: expected 0 to {len(made.batches) - 1}, got {index}")
        made = replace(made, shown=index)
        return {**self.batch_views(made), self.arriving: Arrival.of_shown(made)}

    def on_keep(self, made: BatchHistory) -> list:
        """What the browser keeps of the batches."""
        return to_keep(self.library, made)

    def on_again(self, made: BatchHistory, sets: VisitorSets, model: str) -> dict:
        """The picks and settings that the shown batch was made with."""
        batch = check_model(made.batch, model)
        request, shown_set = batch.request, sets.shown_set(self.library.get(model))
        picks = Picks(request.prototypes, request.weights).within(shown_set.prototypes.active)
        return {**self.picked_views(shown_set, picks), **self.settings.recipe_views(request, request.count)}

    def model_views(self, studio: Studio) -> dict:
        """The settings and the experiments for another model."""
        return self.settings.model_views(studio) | self.experiments.model_views(studio)

    def on_same_seed(self, made: BatchHistory) -> dict:
        """The seed of the pictures that are shown, for the next ones."""
        return self.settings.same_seed(made.batch.request.seed) if made.batch else {self.settings.seed: gr.skip()}

    def on_open(self, path: str | None, sets: VisitorSets, model: str, count: int) -> dict:
        """The recipe in a picture that was made here: its picks and settings, and it is painted first of `count`."""
        studio = self.library.get(model)
        request = or_gr_error(request_in, studio, sets.history(studio), path, as_whole(count))
        shown_set = sets.shown_set(studio)
        picks = Picks(request.prototypes, request.weights).within(shown_set.prototypes.active)
        return {**self.picked_views(shown_set, picks), **self.arrival_views(Arrival(model, request))}
