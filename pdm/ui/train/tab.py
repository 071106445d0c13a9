"""The Train tab: images are looked at, a plan is made and changed, and a process makes the model, on view here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from pdm.app.library import Library
from pdm.making.names import DENOISER, LATENT_SIZES, MINUTES, SIZES
from pdm.making.runs import AUGMENT, DONE, FAILED, LOOKING, PAUSED, PLANNED, RUNNING, STOPPED, Knobs, Run, Runs
from pdm.ui.components.model_cards import ModelCards, cards
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import LATEST, QUICK
from pdm.ui.train import views
from pdm.ui.train.allowed import check_near

ABOUT = (
    "A model of your own images, made by this machine: name a folder or a zip of them, look at the plan, and start. "
    "The work is a process of its own: it goes on when this page is closed or the app ends, and is found again here."
)
EVERY = 2.0  # seconds between two looks at a run
BY_IMAGES = "as the images are"
MOVING = (LOOKING, RUNNING)  # states in which there is something new now and then
OPEN_CARD = """
async name => {
  for (let tries = 0; tries < 60; tries++) {
    const card = [...document.querySelectorAll('#models button')].find(b => b.innerText.startsWith(name));
    if (card) return card.click();
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
"""  # the card of the new model, once it is there
ASK = "() => [confirm('Discard it? What was made so far is removed.')]"
BUTTONS = {
    "start": "Start",
    "pause": "Pause",
    "go-on": "Go on",
    "finish": "Stop and finish",
    "open": "Open it",
    "discard": "Discard it",
}
LOOKS: dict[str, Literal["primary", "stop"]] = {"start": "primary", "open": "primary", "discard": "stop"}
OFFERED: dict[str, tuple[str, ...]] = {
    LOOKING: ("discard",),
    PLANNED: ("start", "discard"),
    RUNNING: ("pause", "finish"),
    PAUSED: ("go-on", "discard"),
    STOPPED: ("go-on", "discard"),
    FAILED: ("go-on", "discard"),
    DONE: ("open", "discard"),
}


class TrainTab:
    """`runs`: where models are made. `shelf` and `model`: the cards, and the model on the page.

    `guarded`: who comes through a server in front of the app is refused.
    """

    def __init__(
        self,
        library: Library,
        runs: Runs,
        shelf: ModelCards,
        model: gr.Dropdown,
        tab: gr.Tab,
        *,
        guarded: bool = True,
    ):
        self.library, self.runs, self.shelf, self.guarded = library, runs, shelf, guarded
        gr.Markdown(ABOUT, elem_classes="about")
        self.status = gr.HTML("", elem_id="train-status")
        self._form()
        self.found = gr.HTML("", elem_id="train-found")
        self.plan = gr.HTML("", elem_id="train-plan")
        self.live = gr.HTML("", elem_id="train-live")
        with gr.Row(elem_classes="actions"):
            self.buttons = {name: self._button(name, text) for name, text in BUTTONS.items()}
        self.opened = gr.Textbox("", visible=False)  # the name of a model that was put among the others
        self.sure = gr.Checkbox(False, visible=False)
        self.timer = gr.Timer(EVERY, active=False)
        self.outputs = [self.status, self.form, self.found, self.plan, self.live, self.timer, *self.buttons.values()]
        self._connect(tab, model)

    def _form(self) -> None:
        with gr.Column(elem_id="train-form") as self.form:
            with gr.Row():
                self.source = gr.Textbox(label="Folder or zip of images on this machine, or a hub id", scale=3)
                self.name = gr.Textbox(label="Name of the model", placeholder="my-model", max_length=60)
            with gr.Row():
                self.minutes = gr.Number(MINUTES, label="Minutes, about")
                self.size = gr.Dropdown(
                    [BY_IMAGES, *map(str, (*SIZES, *LATENT_SIZES))], value=BY_IMAGES, label="Pixels a side"
                )
                self.prototypes = gr.Number(0, label="Prototypes (0: by the count)", precision=0)
                self.augment = gr.Dropdown([BY_IMAGES, *AUGMENT], value=BY_IMAGES, label="Mirrored, turned")
            with gr.Row():
                self.look = gr.Button("Look and plan", variant="primary", elem_id="train-look")
                self.drop = gr.UploadButton("Upload a zip instead", file_types=[".zip"], elem_id="train-drop")

    @staticmethod
    def _button(name: str, text: str) -> gr.Button:
        return gr.Button(text, visible=False, elem_id=f"train-{name}", variant=LOOKS.get(name, "secondary"))

    def _connect(self, tab: gr.Tab, model: gr.Dropdown) -> None:
        all_of_it = [*self.outputs, self.name, self.source, self.minutes, self.size, self.prototypes, self.augment]
        tab.select(self.on_show, None, all_of_it, **QUICK)
        self.timer.tick(self.on_show, None, all_of_it, **LATEST)
        asked = [self.name, self.source, self.minutes, self.size, self.prototypes, self.augment]
        self.look.click(self.on_look, asked, self.outputs, **QUICK)
        dropped = [self.name, self.drop, self.minutes, self.size, self.prototypes, self.augment]
        self.drop.upload(self.on_drop, dropped, self.outputs, **QUICK)
        actions: dict[str, Callable] = {
            "start": self.runs.start,
            "pause": self.runs.pause,
            "go-on": self.runs.go_on,
            "finish": self.runs.finish,
        }
        for name, act in actions.items():
            self.buttons[name].click(self._on(act), None, self.outputs, **QUICK)
        self.buttons["discard"].click(self.on_discard, self.sure, self.outputs, js=ASK, **QUICK)
        added = [self.opened, self.shelf, *self.outputs]
        put = self.buttons["open"].click(self.on_open, model, added, **QUICK)
        put.success(None, self.opened, None, js=OPEN_CARD)

    def _on(self, act: Callable[[Run], object]) -> Callable:
        def on_action(asker: gr.Request) -> dict:
            run = self._run(asker)
            if run is None:
                raise gr.Error("train: expected a run, got none", print_exception=False)
            or_gr_error(act, run)
            return self.views()

        return on_action

    def on_show(self, asker: gr.Request) -> dict:
        """The tab is opened, or time has passed: what a plan was made of stands in the form, to be changed."""
        run = self._run(asker)
        return self.views() | ({} if run is None else self._asked(run))

    def _asked(self, run: Run) -> dict:
        knobs = run.knobs
        return {
            self.name: run.name,
            self.source: run.source,
            self.minutes: knobs.minutes,
            self.size: str(knobs.size or BY_IMAGES),
            self.prototypes: knobs.prototypes or 0,
            self.augment: knobs.augment or BY_IMAGES,
        }

    def on_look(self, asker: gr.Request, name: str, source: str, *chosen: Any) -> dict:
        """Look at what was named, and plan with the knobs as they are."""
        self._run(asker)
        or_gr_error(self._look, name or named_after(source or ""), source or "", *chosen)
        return self.views()

    def on_drop(self, asker: gr.Request, name: str, upload: str, *chosen: Any) -> dict:
        """The same with a file that was uploaded."""
        self._run(asker)
        name = name or named_after(upload)
        or_gr_error(self._look, name, or_gr_error(self.runs.keep, name, Path(upload)), *chosen)
        return self.views()

    def _look(
        self, name: str, source: str, minutes: float | None, size: str, prototypes: float | None, augment: str
    ) -> None:
        knobs = Knobs(
            minutes=minutes or MINUTES,
            size=None if size == BY_IMAGES else int(size),
            prototypes=int(prototypes) if prototypes else None,  # an empty field sends 0
            augment=None if augment == BY_IMAGES else augment,
        )
        self.runs.look(name.strip(), source, knobs)

    def on_discard(self, asker: gr.Request, sure: bool) -> dict:
        """`sure`: what the visitor answered to being asked once more."""
        run = self._run(asker)
        if run is not None and sure:
            or_gr_error(self.runs.discard, run)
        return self.views()

    def on_open(self, asker: gr.Request, model: str) -> dict:
        """The finished model is put among the others, and has a card."""
        run = self._run(asker)
        if run is None:
            raise gr.Error("train: expected a run, got none", print_exception=False)
        name = or_gr_error(self.runs.put_in_place, run)
        or_gr_error(self.library.add, name)
        gr.set_static_paths(sorted((self.library.assets / name / "map").glob("images*.*")))
        return {
            self.opened: name,
            self.shelf: gr.update(value=cards(self.library, model), visible=True),
            **self.views(),
        }

    def _run(self, asker: gr.Request) -> Run | None:
        """The run that there is. Raises gr.Error for whoever is not at this machine."""
        if self.guarded:
            or_gr_error(check_near, dict(asker.headers))
        return self.runs.current()

    def views(self) -> dict[Any, Any]:
        """All of the tab, as the run's folder says."""
        run = self.runs.current()
        state = None if run is None else run.state
        shown = {self.buttons[name]: gr.Button(visible=False) for name in BUTTONS}
        if run is None or state is None:
            empty = {part: "" for part in (self.status, self.found, self.plan, self.live)}
            return {**empty, **shown, self.form: gr.Column(visible=True), self.timer: gr.Timer(active=False)}
        offered = OFFERED[state] if run.about.get("making") or state != FAILED else ("discard",)
        points = run.points if state in (RUNNING, PAUSED, STOPPED, FAILED) else []
        parts = [views.progress(points) if points or state == RUNNING else "", views.curves(points), views.samples(run)]
        shown |= {self.buttons[name]: gr.Button(visible=True) for name in offered}
        if state == RUNNING and not (points and points[-1]["part"] == DENOISER) or run.finishing:
            shown[self.buttons["finish"]] = gr.Button(visible=False)
        return {
            self.status: views.state_line(run, state),
            self.form: gr.Column(visible=state in (PLANNED, FAILED) and not run.about.get("making")),
            self.found: views.found(run) if state in (PLANNED, RUNNING) else "",
            self.plan: views.plan(run) if state in (PLANNED, RUNNING, PAUSED, STOPPED) else "",
            self.live: "".join(parts) if state != PLANNED else "",
            self.timer: gr.Timer(active=state in MOVING),
            **shown,
        }


def named_after(source: str) -> str:
    """A name for the model of these images, where none is given."""
    stem = Path(source.strip().rstrip("/\\")).stem
    return "-".join(part for part in re.split(r"[^A-Za-z0-9_]+", stem) if part)[:60]
