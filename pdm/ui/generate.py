"""The Generate tab: pick prototypes, watch pictures appear, see what made each of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import gradio as gr
import torch
import torch.nn.functional as F

from pdm.engine import AUTO, MAX_COUNT, MAX_GUIDANCE, MAX_SEED, Request, checked, max_steps, run, samplers
from pdm.few_steps import STUDENT
from pdm.map.vocabulary import Vocabulary
from pdm.studio import Library, Studio
from pdm.ui import link
from pdm.ui.events import DENOISING, PRIVATE, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.mixer import Mixer, mix
from pdm.ui.picture_grid import Item, PictureGrid, pictures
from pdm.ui.session import Batch, History, Picks, Sets, finished
from pdm.ui.why import WhyPanel
from pdm.ui.wording import count_of, heading, kind_of, painter, status

ABOUT = (
    "A diffusion model that paints from *prototypes*: vectors it learned to sum up its training images. Pick one or "
    "mix several, and the same network paints what they stand for. There is no image database behind it."
)
NO_DETAIL = "Click a picture to see what made it."


@dataclass(frozen=True)
class GenerateTab:
    """The components other tabs and the page's start talk to."""

    prototypes: PictureGrid
    mixer: Mixer
    status: gr.HTML
    grid: PictureGrid
    seed: gr.Number
    locked: gr.Checkbox
    detail: list
    history: PictureGrid
    on_map: gr.Button
    picks: gr.State
    made: gr.State
    steps: gr.Slider
    guidance: gr.Slider
    sampler: gr.Dropdown

    def settings(self, studio: Studio) -> dict:
        """What the chosen model can do in the settings, and what it starts with."""
        return {
            self.steps: gr.update(maximum=max_steps(studio.pdm), info=steps_info(studio)),
            self.guidance: studio.guidance,
            self.sampler: gr.update(choices=samplers(studio.pdm), value=AUTO),
        }


def build(library: Library, opening: History, sets: gr.State, model: gr.Dropdown) -> GenerateTab:
    picks = gr.State(Picks(), time_to_live=SESSION_SECONDS)
    made = gr.State(opening, time_to_live=SESSION_SECONDS)
    gr.Markdown(ABOUT, elem_classes="about")
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=5, min_width=320):
            with gr.Row(elem_classes="actions"):
                go = gr.Button("Generate", variant="primary", scale=3, elem_id="generate")
                stop = gr.Button("Stop", scale=1, elem_id="stop")
            line = gr.HTML(status(""), elem_id="generate-status")
            grid = PictureGrid(elem_id="made")
            with gr.Accordion("Settings", open=False):
                with gr.Row():
                    count = gr.Slider(1, MAX_COUNT, 16, step=1, label="Pictures")
                    steps = gr.Slider(1, 100, 10, step=1, label="Steps", info=steps_info(library.get()))
                with gr.Row():
                    guidance = gr.Slider(
                        0, MAX_GUIDANCE, library.get().guidance, step=0.1, label="Guidance", info="1 is none"
                    )
                    sampler = gr.Dropdown(samplers(library.get().pdm), value=AUTO, label="Sampler")
                with gr.Row():
                    seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
                    locked = gr.Checkbox(False, label="Keep the seed", info="else each run draws a new one")
            gr.HTML(heading("Earlier in this visit"), elem_classes="section")
            history = PictureGrid(pictures(None, [], empty="Your batches will line up here."), elem_id="history")
        with gr.Column(scale=4, min_width=320):
            gr.HTML(heading("Prototypes", "Pick one or several; the bar is the share of the data."))
            mixer = Mixer(elem_id="mixer")
            prototypes = PictureGrid(elem_id="prototypes", elem_classes="scroll")
            title = gr.HTML(
                heading("What made this picture", NO_DETAIL), elem_id="detail-title", elem_classes="section"
            )
            with gr.Row(elem_classes="made-row"):
                picture = gr.Image(
                    type="pil",
                    format="png",
                    interactive=False,
                    show_label=False,
                    container=False,
                    height=180,
                    width=180,
                    elem_classes="crisp",
                    buttons=["download"],
                    visible=False,
                    elem_id="detail",
                )
                made_of = PictureGrid(elem_id="made-of", scale=2, min_width=260)
            similar = PictureGrid(elem_id="similar")
            with gr.Row():
                on_map = gr.Button("Show on the map", size="sm", visible=False)
                again = gr.Button("Use this recipe", size="sm", visible=False)
                share = gr.Button("Copy a link", size="sm", elem_id="copy-link")
            with gr.Accordion("Recipe (it is inside the PNG, too)", open=False, visible=False) as recipe_fold:
                recipe = gr.JSON(show_label=False, elem_id="recipe")
            chosen = gr.State(0)
            why = WhyPanel(library, made, chosen)
    address = gr.JSON(visible=False)
    switch = StopSwitch(stop)
    detail = [title, picture, made_of, similar, on_map, again, recipe_fold, recipe, chosen]
    act = Actions(library, switch, len(detail))
    picked = [picks, prototypes, mixer]
    prototypes.pick(act.pick, [picks, sets, model], picked, **QUICK)
    mixer.drop(act.pick, [picks, sets, model], picked, **QUICK)
    mixer.mix(act.change_mix, [sets, model], picked, **QUICK)
    generated = go.click(
        act.generate,
        [picks, sets, made, model, count, steps, guidance, sampler, seed, locked, switch.pressed],
        [made, seed, line, grid, history, *detail],
        concurrency_id=DENOISING,
        concurrency_limit=1,
        **PRIVATE,
    )
    looked = grid.pick(act.look, [made], [grid, *detail], **QUICK)
    recalled = history.pick(act.recall, [made], [made, line, grid, history, *detail], **QUICK)
    why.forget_on(generated, looked, recalled)
    again.click(act.use, [made, sets, model], [*picked, count, steps, guidance, sampler, seed, locked], **QUICK)
    share.click(act.link, [picks, model, seed], [address], **QUICK).success(None, address, None, js=link.COPY)
    return GenerateTab(
        prototypes, mixer, line, grid, seed, locked, detail, history, on_map, picks, made, steps, guidance, sampler
    )


class Actions:
    """What the tab's events do: each method takes the values of components and returns new ones."""

    def __init__(self, library: Library, switch: StopSwitch, detail: int):
        self.library, self.switch = library, switch
        self.skipped = [gr.skip()] * detail  # leaves everything about the picture in hand as it is

    def pick(self, picks: Picks, sets: Sets, model: str, event: gr.EventData):
        words = sets.vocabulary(self.library.get(model))
        picks = picks.toggled(_checked_id(words, event.id))
        return picks, *picked_views(words, picks)

    def change_mix(self, sets: Sets, model: str, event: gr.EventData):
        words = sets.vocabulary(self.library.get(model))
        ids, weights = [_checked_id(words, k) for k in event.ids], [float(w) for w in event.weights]
        if len(ids) != len(weights) or len(set(ids)) != len(ids) or not all(0 <= w <= 1 for w in weights):
            raise gr.Error("weights: expected one from 0 to 1 for each prototype")
        picks = Picks(tuple(ids), tuple(weights))
        return picks, *picked_views(words, picks)

    def generate(
        self,
        picks: Picks,
        sets: Sets,
        made: History,
        model,
        count,
        steps,
        guidance,
        sampler,
        seed,
        locked,
        pressed,
        asker: gr.Request,
    ) -> Iterator[tuple]:
        studio = self.library.get(model)
        if not locked:
            seed = random.randrange(MAX_SEED - MAX_COUNT)
        request = _request(studio, picks, count, steps, guidance, sampler, seed, sets.now(studio))
        skip = self.skipped
        at_once = request.sampler == STUDENT and request.count <= 16  # it is done before the page could show its steps
        if not at_once:
            yield gr.skip(), request.seed, status("starting", 0.0), gr.skip(), gr.skip(), *skip
        for frame in run(studio, request):
            if self.switch.asked(asker, pressed):
                said_so = status(f"stopped at step {frame.step} of {frame.total}")
                yield gr.skip(), gr.skip(), said_so, gr.skip(), gr.skip(), *skip
                return
            items = [Item(i) for i in range(len(frame.images))]
            if not frame.done:
                if at_once:
                    continue
                text = f"step {frame.step} of {frame.total}"
                live = pictures(frame.images, items, across=across(len(items)))
                yield gr.skip(), gr.skip(), status(text, frame.step / frame.total), live, gr.skip(), *skip
                continue
            batch = finished(studio, request, frame)
            made = made.made(batch)
            yield made, request.seed, said(batch), *batch_views(self.library, made), *detail_views(studio, batch, 0)

    def look(self, made: History, event: gr.EventData):
        batch = made.batch
        if batch is None:
            return [gr.skip(), *self.skipped]
        studio, index = self.library.get(batch.model), int(event.id)
        if not 0 <= index < len(batch):
            raise gr.Error(f"picture: expected 0 to {len(batch) - 1}, got {index}")
        return batch_views(self.library, made, index)[0], *detail_views(studio, batch, index)

    def link(self, picks: Picks, model: str, seed: float) -> dict:
        return {"query": link.query(model, int(seed), picks)}

    def recall(self, made: History, event: gr.EventData):
        index = int(event.id)
        if not 0 <= index < len(made.batches):
            raise gr.Error(f"history: expected 0 to {len(made.batches) - 1}, got {index}")
        made = replace(made, shown=index)
        batch = made.batch
        studio = self.library.get(batch.model)
        return (
            made,
            said(batch),
            *batch_views(self.library, made),
            *detail_views(studio, batch, 0),
        )

    def use(self, made: History, sets: Sets, model: str):
        batch = made.batch
        if batch is None:
            return [gr.skip()] * 9
        check_model(batch, model)
        studio, request = self.library.get(model), batch.request
        words = sets.vocabulary(studio)
        picks = Picks(request.prototypes, request.weights).within(words.names)
        return (
            picks,
            *picked_views(words, picks),
            len(batch),
            request.steps,
            request.guidance,
            request.sampler,
            request.seed,
            True,
        )


def _request(studio: Studio, picks: Picks, count, steps, guidance, sampler, seed, prototype_set) -> Request:
    """The page's controls as a checked request; a wrong value becomes the message the visitor sees."""
    try:
        whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in (count, seed, steps)]
        request = Request(
            "pdm", picks.ids, picks.weights, *whole, guidance=guidance, sampler=sampler, prototype_set=prototype_set
        )
        return checked(studio, request)
    except ValueError as error:
        raise gr.Error(str(error), title="That can't be generated", print_exception=False) from error


def check_model(batch: Batch | None, model: str) -> None:
    """What a picture was made from means something to its own model alone."""
    if batch is None or batch.model != model:
        raise gr.Error("This picture was made with another model; choose that model first.", print_exception=False)


def _checked_id(words: Vocabulary, value) -> int:
    try:
        return words.check([value])[0]
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def steps_info(studio: Studio) -> str:
    return "1, 2 and 4 are painted by the student" if studio.pdm.student else "more are slower"


def said(batch: Batch) -> str:
    """The line over a finished batch."""
    request = batch.request
    what = f"{count_of(len(batch), 'picture')}{painter(request.sampler)}, {count_of(request.steps, 'step')}"
    return status(f"{what} in {batch.denoise_ms / 1000:.2g} s. Seed {request.seed}.")


def picked_views(words: Vocabulary, picks: Picks) -> tuple[dict, dict]:
    """The prototypes' gallery and the mixer for what is picked."""
    top = max(words.usage.values()) or 1
    muted = {k for k in words.names if words.prototypes.get(k).muted}
    items = [
        Item(
            k,
            words.names[k],
            "muted" if k in muted else f"{100 * words.usage[k]:.1f} %",
            words.colours[k],
            words.usage[k] / top,
        )
        for k in words.order
    ]
    gallery = pictures(words.pictures(words.order), items, cell=98, selected=list(picks.ids))
    return gallery, mix(words, list(picks.ids), list(picks.weights))


def across(count: int) -> int:
    """Pictures in a row: four while they are few and large, eight beyond."""
    return 4 if count <= 16 else 8


def batch_views(library: Library, made: History, chosen: int = 0) -> tuple[dict, dict]:
    """The grid of the shown batch and the history strip."""
    batch = made.batch
    grid = pictures(batch.tensor(), [Item(i) for i in range(len(batch))], across=across(len(batch)), selected=[chosen])
    firsts = [b.tensor()[0] for b in made.batches]
    items = [
        Item(i, _made_from(b.vocabulary(library.get(b.model)), b.request), f"seed {b.request.seed}")
        for i, b in enumerate(made.batches)
    ]
    strip = pictures(_stack(firsts), items, cell=84, selected=[made.shown])
    return grid, strip


def _stack(images):
    """Pictures of different models as one (B, C, H, W): the largest size and channel count among them."""
    side = max(i.shape[-1] for i in images)
    channels = max(i.shape[0] for i in images)
    resized = [F.interpolate(i[None].float(), size=side, mode="nearest")[0].byte() for i in images]
    return torch.stack([i.expand(channels, -1, -1) for i in resized])


def _made_from(words: Vocabulary, request: Request) -> str:
    if not request.prototypes:
        return "own mixes"
    names = [words.names[k] for k in request.prototypes]
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"


def detail_views(studio: Studio, batch: Batch, index: int) -> list:
    """Everything about one picture: title, the picture, its prototypes, the nearest training images, its recipe."""
    recipe = batch.recipe(studio, index)
    evidence = sorted(batch.evidence[index], key=lambda pair: -pair[1])
    words = batch.vocabulary(studio)
    parts = [Item(k, words.names[k], f"{100 * w:.0f} %", words.colours[k], w) for k, w in evidence]
    covers = words.pictures([k for k, _ in evidence]) if evidence else None
    ids, distances = studio.map.nearest(studio.features(batch.tensor()[index : index + 1]), 4)
    near = [
        Item(i, studio.class_of(i), f"{d:.2f} away")
        for i, d in zip(ids[0].tolist(), distances[0].tolist(), strict=True)
    ]
    return [
        heading(
            "What made this picture",
            f"Its prototypes; below, the {kind_of(studio.map.generated)} nearest to it in feature space.",
        ),
        gr.update(value=batch.picture(studio, index), visible=True),
        pictures(covers, parts, cell=98, still=True),
        pictures(studio.map.images[ids[0]], near, cell=84, still=True),
        gr.update(visible=True),
        gr.update(visible=True),
        gr.update(visible=True),
        recipe.to_dict(),
        index,
    ]
