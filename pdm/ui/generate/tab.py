"""The Generate tab: pick prototypes, watch pictures appear, see what made each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.sampling.student import STUDENT
from pdm.ui.components.mixer import Mixer, mix
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.generate.batches import across, made_from, said, stacked
from pdm.ui.generate.detail import Detail
from pdm.ui.generate.settings import Settings, random_seed
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared import link
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.shared.numbers import as_whole, tuned_steps
from pdm.ui.shared.session import Batch, BatchHistory, Picks, VisitorSets, finished
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "A diffusion model that paints from *prototypes*: vectors it learned to sum up its training images. Pick one or "
    "mix several, and the same network paints what they stand for. There is no image database behind it."
)


class GenerateTab:
    """`gallery` are the components that show what is picked, `batch` those that show what was made.

    The start of a visit and the other tabs fill them, too.
    """

    def __init__(self, library: Library, opening: BatchHistory, sets: gr.State, model: gr.Dropdown):
        self.library = library
        self.picks = gr.State(Picks(), time_to_live=SESSION_SECONDS)
        self.made = gr.State(opening, time_to_live=SESSION_SECONDS)
        gr.Markdown(ABOUT, elem_classes="about")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_classes="actions"):
                    go = gr.Button("Generate", variant="primary", scale=3, elem_id="generate")
                    stop = gr.Button("Stop", scale=1, elem_id="stop")
                self.line = gr.HTML(status(""), elem_id="generate-status")
                self.grid = PictureGrid(elem_id="made")
                self.settings = Settings(library.get())
                gr.HTML(heading("Earlier in this visit"), elem_classes="section")
                self.history = PictureGrid(pictures(None, [], empty="What you paint lines up here."), elem_id="history")
            with gr.Column(scale=4, min_width=320):
                gr.HTML(heading("Prototypes", "Pick one or several. The bar shows how common each is."))
                self.mixer = Mixer(elem_id="mixer")
                self.prototypes = PictureGrid(elem_id="prototypes", elem_classes="scroll")
                self.detail = Detail(library, self.made)
        self.address = gr.JSON(visible=False)
        self.switch = StopSwitch(stop)
        self.gallery = [self.picks, self.prototypes, self.mixer]
        self.batch = [self.made, self.line, self.grid, self.history, *self.detail.outputs]
        self._connect(go, sets, model)

    def _connect(self, go: gr.Button, sets: gr.State, model: gr.Dropdown) -> None:
        settings, detail = self.settings, self.detail
        self.prototypes.pick(self.on_pick, [self.picks, sets, model], self.gallery, **EVERY)
        self.mixer.drop(self.on_pick, [self.picks, sets, model], self.gallery, **EVERY)
        self.mixer.mix(self.on_mix, [sets, model], self.gallery, **EVERY)
        asked = [self.picks, sets, self.made, model, self.switch.pressed, *settings.values]
        generate = gated(
            self.on_generate,
            _price,
            waiting=lambda before: {self.line: status(queued(before))},
            stopped=self.switch.asked_of(self.on_generate),
        )
        painted = [*self.batch, settings.seed, settings.steps]
        self.run = generated = go.click(generate, asked, painted, **QUICK)
        looked = self.grid.pick(self.on_look, self.made, [self.grid, *detail.outputs], **EVERY)
        recalled = self.history.pick(self.on_recall, self.made, self.batch, **EVERY)
        again = [self.made, sets, model]
        taken = detail.again.click(self.on_again, again, [*self.gallery, *settings.values], **QUICK)
        repeat = gated(
            self.on_repeat,
            _price_again,
            waiting=lambda before: {self.line: status(queued(before))},
            stopped=self.switch.asked_of(self.on_repeat),
        )
        asked = [self.made, model, detail.chosen, self.switch.pressed]
        repeated = taken.success(repeat, asked, painted, **QUICK)
        detail.why.forget_on(generated, looked, recalled, repeated)
        settings.same.click(self.on_same_seed, self.made, [settings.seed, settings.locked], **QUICK)
        settings.new.click(settings.new_seed, None, [settings.seed, settings.locked], **QUICK)
        shared = detail.share.click(self.on_share, [self.picks, model, settings.seed], self.address, **QUICK)
        shared.success(None, self.address, None, js=link.COPY)

    def picked_views(self, shown_set: ShownSet, picks: Picks) -> dict:
        """The gallery of prototypes and the mixer for what is picked."""
        top = max(shown_set.shares.values()) or 1
        muted = {k for k in shown_set.names if shown_set.prototypes.get(k).muted}
        items = [
            Item(
                k,
                shown_set.names[k],
                "muted" if k in muted else f"{100 * shown_set.shares[k]:.1f} %",
                shown_set.colours[k],
                shown_set.shares[k] / top,
                off=k in muted,
            )
            for k in shown_set.order
        ]
        return {
            self.picks: picks,
            self.prototypes: pictures(shown_set.pictures(shown_set.order), items, cell=98, selected=list(picks.ids)),
            self.mixer: mix(shown_set, list(picks.ids), list(picks.weights)),
        }

    def batch_views(self, made: BatchHistory, index: int = 0) -> dict:
        """The shown batch with one of its pictures chosen, and the strip of all batches."""
        batch = made.batch
        assert batch is not None
        items = [
            Item(i, made_from(b.shown_set(self.library.get(b.model)), b.request), f"seed {b.request.seed}")
            for i, b in enumerate(made.batches)
        ]
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
        return self.picked_views(shown_set, picks.toggled(_heard(shown_set, event.id)))

    def on_mix(self, sets: VisitorSets, model: str, event: gr.EventData) -> dict:
        shown_set = sets.shown_set(self.library.get(model))
        ids, weights = [_heard(shown_set, k) for k in event.ids], [float(w) for w in event.weights]
        if len(ids) != len(weights) or len(set(ids)) != len(ids) or not all(0 <= w <= 1 for w in weights):
            raise gr.Error("weights: expected one from 0 to 1 for each prototype")
        return self.picked_views(shown_set, Picks(tuple(ids), tuple(weights)))

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
        request = _request(studio, picks, count, steps, guidance, sampler, seed, sets.now(studio))
        yield from self._painted(studio, request, made, asker, pressed)

    def on_repeat(
        self, made: BatchHistory, model: str, chosen: int, pressed: float, asker: gr.Request
    ) -> Iterator[dict]:
        """The shown pictures once more, by the very request that made them, with the set as it was then."""
        batch = check_model(made.batch, model)
        index = chosen if isinstance(chosen, int) and 0 <= chosen < len(batch) else 0
        yield from self._painted(self.library.get(model), batch.request, made, asker, pressed, index)

    def _painted(
        self, studio: Studio, request: Request, made: BatchHistory, asker: gr.Request, pressed: float, index: int = 0
    ) -> Iterator[dict]:
        """Paint a request step by step, then show it as the latest batch with one of its pictures chosen."""
        at_once = request.sampler == STUDENT and request.count <= 16  # too quick for its steps to be seen
        if not at_once:
            yield {**self.settings.drawn(request), self.line: status("starting", 0.0)}
        for frame in run(studio, request):
            if self.switch.asked(asker, pressed):
                yield {self.line: status(f"stopped at step {frame.step} of {frame.total}")}
                return
            if frame.done:
                made = made.made(finished(studio, request, frame))
                yield {**self.settings.drawn(request), **self.batch_views(made, index)}
            elif not at_once:
                items = [Item(i) for i in range(len(frame.images))]
                yield {
                    self.line: status(f"step {frame.step} of {frame.total}", frame.step / frame.total),
                    # Not to be clicked: they are no batch, which a click would bring back in their place.
                    self.grid: pictures(frame.images, items, across=across(len(items)), still=True),
                }

    def on_look(self, made: BatchHistory, event: gr.EventData) -> dict:
        batch, index = made.batch, int(event.id)
        if batch is None:
            return gr.skip()
        if not 0 <= index < len(batch):
            raise gr.Error(f"picture: expected 0 to {len(batch) - 1}, got {index}")
        return self._looked(batch, index)

    def on_recall(self, made: BatchHistory, event: gr.EventData) -> dict:
        index = int(event.id)
        if not 0 <= index < len(made.batches):
            raise gr.Error(f"history: expected 0 to {len(made.batches) - 1}, got {index}")
        return self.batch_views(replace(made, shown=index))

    def on_again(self, made: BatchHistory, sets: VisitorSets, model: str) -> dict:
        """The picks and settings that the shown batch was made with."""
        batch = check_model(made.batch, model)
        request, shown_set = batch.request, sets.shown_set(self.library.get(model))
        picks = Picks(request.prototypes, request.weights).within(shown_set.prototypes.active)
        return {**self.picked_views(shown_set, picks), **self.settings.recipe_views(request, len(batch))}

    def on_same_seed(self, made: BatchHistory) -> dict:
        """The seed of the pictures that are shown, for the next ones."""
        return self.settings.same_seed(made.batch.request.seed) if made.batch else {self.settings.seed: gr.skip()}

    def on_share(self, picks: Picks, model: str, seed: float) -> dict:
        return {"query": link.query(model, int(seed), picks)}


def _price(picks, sets, made, model, pressed, count, steps, guidance, *rest) -> float:
    return price(count, steps, guidance)


def _price_again(made: BatchHistory, *rest) -> float:
    request = made.batch.request if made.batch else Request()
    return price(request.count, request.steps, request.guidance)


def _request(studio: Studio, picks: Picks, count, steps, guidance, sampler, seed, prototype_set) -> Request:
    """The page's controls as a checked request; a wrong value becomes the message the visitor sees."""
    try:
        request = Request(
            "pdm",
            picks.ids,
            picks.weights,
            count=as_whole(count),
            seed=as_whole(seed),
            steps=tuned_steps(sampler, as_whole(steps)),
            guidance=guidance,
            sampler=sampler,
            prototype_set=prototype_set,
        )
        return resolved(studio, request)
    except ValueError as error:
        raise gr.Error(str(error), title="That can't be generated", print_exception=False) from error


def check_model(batch: Batch | None, model: str) -> Batch:
    """The batch, if this model made it: its prototypes mean nothing to another one. Raises gr.Error."""
    if batch is None or batch.model != model:
        raise gr.Error("This picture was made with another model. Choose that model first.", print_exception=False)
    return batch


def _heard(shown_set: ShownSet, value: object) -> int:
    """An id of the set that pictures may be made from. Raises gr.Error."""
    k = or_gr_error(shown_set.check, [value])[0]
    if k not in shown_set.prototypes.active:
        said = f"{shown_set.names[k]} is muted. Unmute it on the Prototypes tab to use it."
        raise gr.Error(said, print_exception=False)
    return k
