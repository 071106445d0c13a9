"""The Compare tab: PDM, RDM and unconditional from the same seeds, with what conditioned each and what it costs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import gradio as gr
import torch

from pdm.config import DEFAULT_GUIDANCE
from pdm.costs import bytes_kept
from pdm.engine import MAX_GUIDANCE, MAX_SEED, Request, checked, run
from pdm.studio import Library, Studio
from pdm.ui.events import DENOISING, PRIVATE, QUICK, SESSION_SECONDS, StopSwitch
from pdm.ui.picture_grid import Item, PictureGrid, pictures
from pdm.ui.session import Batch, Sets, finished
from pdm.ui.wording import METHOD_NAMES, SHORT_NAMES, bars, heading, milliseconds, size, status

ABOUT = (
    "The same network size, the same number of training images, the same seeds and steps: only the condition differs. "
    "PDM attends to learned prototypes, RDM to images it retrieves from a memory, the third to nothing at all."
)
EMPTY = "Press Compare."
COLUMNS = ("pdm", "rdm", "unconditional")
COLOURS = {"pdm": "var(--color-accent)", "rdm": "#b7791f", "unconditional": "#7a7f8a"}


@dataclass(frozen=True)
class CompareTab:
    """The components the page's start talks to."""

    grids: list[PictureGrid]


def build(library: Library, sets: gr.State, model: gr.Dropdown) -> CompareTab:
    gr.Markdown(ABOUT, elem_classes="about")
    with gr.Row(elem_classes="actions"):
        go = gr.Button("Compare", variant="primary", scale=3, elem_id="compare")
        stop = gr.Button("Stop", scale=1)
    line = gr.HTML(status(EMPTY), elem_id="compare-status")
    with gr.Accordion("Settings", open=False):
        with gr.Row():
            count = gr.Slider(1, 16, 9, step=1, label="Pictures each")
            steps = gr.Slider(1, 100, 10, step=1, label="Steps")
            guidance = gr.Slider(0, MAX_GUIDANCE, DEFAULT_GUIDANCE, step=0.1, label="Guidance", info="1 is none")
            seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
            locked = gr.Checkbox(False, label="Keep the seed", info="else each run draws a new one")
    grids, evidence = [], []
    with gr.Row(elem_classes="columns"):
        for method in COLUMNS:
            with gr.Column(min_width=260):
                gr.HTML(heading(METHOD_NAMES[method]))
                grids.append(PictureGrid(elem_id=f"compare-{method}"))
                evidence.append((gr.HTML("", elem_id=f"because-{method}"), PictureGrid(elem_id=f"evidence-{method}")))
    with gr.Row(elem_classes="columns"):
        times = gr.HTML("", elem_id="times")
        sizes = gr.HTML(size_bars(library.get()), elem_id="sizes")
    switch = StopSwitch(stop)
    compared = gr.State((), time_to_live=SESSION_SECONDS)  # the batches of the last comparison
    flat = [component for pair in evidence for component in pair]

    def compare(sets: Sets, model, count, steps, guidance, seed, locked, pressed, asker: gr.Request) -> Iterator[tuple]:
        studio = library.get(model)
        seed = seed if locked else random.randrange(MAX_SEED - 64)
        base = replace(_request(studio, count, steps, guidance, seed), prototype_set=sets.now(studio))
        done: list[Batch] = []
        blank = [gr.skip()] * len(grids)
        yield gr.skip(), base.seed, status("starting", 0.0), *blank, *[gr.skip()] * len(flat), gr.skip()
        for column, method in enumerate(COLUMNS):
            if method not in studio.methods:
                continue
            request = replace(base, method=method, prototype_set=base.prototype_set if method == "pdm" else None)
            for frame in run(studio, request):
                if switch.asked(asker, pressed):
                    said = status(f"stopped at {METHOD_NAMES[method]}, step {frame.step}")
                    yield gr.skip(), gr.skip(), said, *blank, *[gr.skip()] * len(flat), gr.skip()
                    return
                text = f"{METHOD_NAMES[method]}: step {frame.step} of {frame.total}"
                part = (column + frame.step / frame.total) / len(COLUMNS)
                views = list(blank)
                views[column] = pictures(
                    frame.images, [Item(i) for i in range(request.count)], across=across(request.count)
                )
                if frame.done:
                    done.append(finished(studio, request, frame))
                yield gr.skip(), gr.skip(), status(text, part), *views, *[gr.skip()] * len(flat), gr.skip()
        said = status(f"Seed {base.seed}, {base.steps} steps. Click a picture to see what conditioned its twins.")
        yield tuple(done), gr.skip(), said, *picked_views(studio, done, 0), time_bars(done)

    def look(batches: tuple[Batch, ...], event: gr.EventData):
        if not batches or not 0 <= int(event.id) < len(batches[0]):
            return [gr.skip()] * (len(grids) + len(flat))
        return picked_views(library.get(batches[0].model), batches, int(event.id))

    go.click(
        compare,
        [sets, model, count, steps, guidance, seed, locked, switch.pressed],
        [compared, seed, line, *grids, *flat, times],
        concurrency_id=DENOISING,
        **PRIVATE,
    )
    for grid in grids:
        grid.pick(look, [compared], [*grids, *flat], **QUICK)
    model.change(lambda name: size_bars(library.get(name)), model, sizes, **QUICK)
    return CompareTab(grids)


def across(count: int) -> int:
    return 3 if count <= 9 else 4


def _request(studio: Studio, count, steps, guidance, seed) -> Request:
    try:
        whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in (count, seed, steps)]
        return checked(studio, Request("pdm", (), (), *whole, guidance=guidance))
    except ValueError as error:
        raise gr.Error(str(error), title="That can't be compared", print_exception=False) from error


def picked_views(studio: Studio, compared: Sequence[Batch], index: int) -> list:
    """All grids with picture `index` marked, and under each what conditioned it."""
    batches = {b.request.method: b for b in compared}
    grids = []
    for method in COLUMNS:
        batch = batches.get(method)
        if batch is None:
            grids.append(pictures(None, [], empty="Not trained for this data set."))
        else:
            grids.append(
                pictures(
                    batch.tensor(), [Item(i) for i in range(len(batch))], across=across(len(batch)), selected=[index]
                )
            )
    because = []
    for method in COLUMNS:
        because += evidence_views(studio, batches.get(method), index)
    return [*grids, *because]


def evidence_views(studio: Studio, batch: Batch | None, index: int) -> tuple[str, dict]:
    """What conditioned one picture: prototypes with weights, neighbours with distances, or nothing."""
    if batch is None:
        return "", pictures(None, [])
    pairs = batch.evidence[index]
    if batch.request.method == "pdm":
        words = batch.vocabulary(studio)
        items = [Item(k, words.names[k], f"{100 * w:.0f} %", words.colours[k], w) for k, w in pairs]
        images = words.pictures([k for k, _ in pairs])
        return heading("Prototypes and their weights"), pictures(images, items, across=4, still=True)
    if batch.request.method == "rdm":
        rows = studio.rdm.memory.source_ids[[k for k, _ in pairs]].tolist()
        items = [Item(r, neighbour_class(studio, r), f"{d:.2f} away") for r, (_, d) in zip(rows, pairs, strict=True)]
        blank = torch.zeros_like(studio.map.images[0])  # a memory may hold more images than the map shows
        images = torch.stack([studio.map.images[r] if r < len(studio.map) else blank for r in rows])
        return heading("Neighbours retrieved"), pictures(images, items, across=4, still=True)
    return heading("No condition", "Seed and network alone."), pictures(None, [])


def neighbour_class(studio: Studio, row: int) -> str:
    return studio.class_of(row) if row < len(studio.map) else "not on the map"


def time_bars(batches: list[Batch]) -> str:
    """Measured milliseconds of this very run."""
    rows = []
    for batch in batches:
        name = SHORT_NAMES[batch.request.method]
        rows.append((f"{name}, condition", batch.find_ms, milliseconds(batch.find_ms), COLOURS[batch.request.method]))
        rows.append(
            (f"{name}, denoising", batch.denoise_ms, milliseconds(batch.denoise_ms), COLOURS[batch.request.method])
        )
    return heading("Time", f"Measured just now, for {len(batches[0])} pictures each.") + bars(rows)


def size_bars(studio: Studio) -> str:
    """Bytes a method must keep beside the network."""
    rows = [
        (f"{SHORT_NAMES[method]}, {where}", float(count), size(count), COLOURS[method])
        for method, kept in bytes_kept(studio).items()
        for where, count in kept.items()
    ]
    return heading("What it must keep", "Beside the network itself.") + bars(rows)
