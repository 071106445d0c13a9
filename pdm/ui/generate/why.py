"""Why this picture: which prototype painted which pixels, and the picture as it came out of the noise."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import torch
from gradio.events import Dependency

from pdm.app.gate import price
from pdm.app.library import Library
from pdm.app.painting import explained
from pdm.app.shown_set import ShownSet
from pdm.sampling.explain import Explanation
from pdm.ui.components.picture_grid import Item, PictureGrid, pictures
from pdm.ui.guard.turns import gated, queued
from pdm.ui.shared.events import LATEST, QUICK, SESSION_SECONDS
from pdm.ui.shared.session import BatchHistory
from pdm.ui.shared.wording import heading, status

LEAST = 0.02  # prototypes of less weight are left out: their maps are black
SHOWN = 12  # pictures of a timeline
ONE = "Made from one prototype alone: it painted every pixel. A mix has more to tell."


class WhyPanel:
    """`made` and `chosen` are the states that say which picture is meant."""

    def __init__(self, library: Library, made: gr.State, chosen: gr.State):
        self.library, self.made, self.chosen = library, made, chosen
        self.known = gr.State(None, time_to_live=SESSION_SECONDS)
        with gr.Accordion("Why this picture", open=False, elem_id="why"):
            self.look = gr.Button("Show what each prototype painted", size="sm", elem_id="why-look")
            self.line = gr.HTML(status(""))
            self.maps = PictureGrid(elem_id="why-maps")
            self.step = gr.Slider(0, 10, 0, step=1, label="Step", info="0 shows all steps at once", visible=False)
            self.timeline_title = gr.HTML("")
            self.timeline = PictureGrid(elem_id="why-timeline")
        shown = [self.known, self.line, self.maps, self.step, self.timeline_title, self.timeline]
        look = gated(self.on_look, _price, waiting=lambda before: {self.line: status(queued(before))})
        self.look.click(look, [made, chosen], shown, **QUICK)
        self.step.input(self.on_step, [made, chosen, self.known, self.step], self.maps, **LATEST)

    def on_look(self, made: BatchHistory, chosen: int) -> Iterator[dict]:
        batch = made.batch
        if batch is None or not 0 <= chosen < len(batch):
            raise gr.Error("Paint some pictures first.", print_exception=False)
        studio = self.library.get(batch.model)
        yield {self.line: status("looking at each step")}
        why = explained(studio, batch.request, chosen)
        steps = len(why.timeline)
        rows = torch.linspace(0, steps - 1, min(SHOWN, steps)).round().long().tolist()
        items = [Item(i, f"step {i + 1}") for i in rows]
        yield {
            self.known: why,
            self.line: status(ONE if len(_tokens(why)) == 1 else f"seed {batch.request.seed + chosen}"),
            self.maps: self._maps(batch.shown_set(studio), why, 0),
            self.step: gr.update(maximum=steps, value=0, visible=True),
            self.timeline_title: heading("The picture as it came"),
            self.timeline: pictures(why.timeline[rows], items, cell=72, still=True),
        }

    def on_step(self, made: BatchHistory, chosen: int, why: Explanation | None, step: int) -> dict:
        batch = made.batch
        if why is None or batch is None:
            return gr.skip()
        step = min(len(why.timeline), max(0, int(step)))
        return self._maps(batch.shown_set(self.library.get(batch.model)), why, step)

    def _maps(self, shown_set: ShownSet, why: Explanation, step: int) -> dict:
        shares = why.mean() if step == 0 else why.attention[step - 1]
        picture = why.timeline[-1 if step == 0 else step - 1]
        tokens = _tokens(why)
        layers = torch.stack([painted_by(picture, shares[i], shown_set.colours[why.ids[i]]) for i in tokens])
        items = [
            Item(
                why.ids[i],
                shown_set.names[why.ids[i]],
                f"{100 * float(shares[i].mean()):.0f} %",
                shown_set.colours[why.ids[i]],
            )
            for i in tokens
        ]
        return pictures(layers, items, cell=98, still=True)

    def clear(self) -> dict:
        """The panel for another picture, of which nothing is known yet."""
        none = pictures(None, [])
        return {
            self.known: None,
            self.line: status(""),
            self.maps: none,
            self.step: gr.update(visible=False),
            self.timeline_title: "",
            self.timeline: none,
        }

    def forget_on(self, *events: Dependency) -> None:
        """Clear the panel after each of these events."""
        for event in events:
            event.then(self.clear, None, list(self.clear()), **QUICK)


def _tokens(why: Explanation) -> list[int]:
    """The tokens to show, by index, those of most weight first."""
    order = sorted(range(len(why.ids)), key=lambda i: -why.weights[i])
    return [i for i in order if why.ids[i] >= 0 and why.weights[i] >= LEAST]


def painted_by(picture: torch.Tensor, share: torch.Tensor, colour: str) -> torch.Tensor:
    """A dimmed picture (C, H, W), coloured where a prototype painted most of it: uint8 (3, H, W) in, and out.

    The prototype's share (H, W) of each pixel is stretched, so that its least is dark and its greatest has the full
    colour "#rrggbb": what can be seen is where the prototype paints more than elsewhere.
    """
    hue = torch.tensor([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=torch.float32)[:, None, None]
    grey = picture.float().mean(0, keepdim=True)
    low, high = share.aminmax()
    heat = ((share - low) / (high - low) if high - low > 1e-4 else torch.ones_like(share))[None]
    return (0.45 * grey * (1 - heat) + heat * (0.35 * hue + 0.65 * hue * grey / 255)).clamp(0, 255).to(torch.uint8)


def _price(made: BatchHistory, chosen: int) -> float:
    """Of one picture that is made once more."""
    return price(1, made.batch.request.steps if made.batch else 1)
