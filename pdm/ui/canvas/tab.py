"""The Canvas tab: paint with prototypes as with colours, and the net paints what they stand for."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import gradio as gr

from pdm.app.canvas import Drawing, multiple_of
from pdm.app.canvas_painting import brush_of, grid_of, is_live
from pdm.app.own_picture import OwnPicture
from pdm.app.requests import MAX_SEED
from pdm.app.scenes import opening_scene
from pdm.app.scenes import scene as scene_of
from pdm.app.studio import Studio
from pdm.support.checks import expect, is_number, one_of
from pdm.ui.canvas.own_panel import OwnPanel, blank_for
from pdm.ui.canvas.painting import Painting
from pdm.ui.canvas.settings import PRESETS, Settings
from pdm.ui.canvas.works import Works, from_kept, strip
from pdm.ui.components.canvas_view import CanvasView, palette, picture, scene, sends
from pdm.ui.components.picture_grid import PictureGrid
from pdm.ui.shared.canvas_files import opened_png, packed_png
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK
from pdm.ui.shared.keeping import DOWNLOAD
from pdm.ui.shared.opening import Openings
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading, status

ABOUT = "Draw with *prototypes* as colours, and the net paints what they stand for."
STORAGE = "canvas"  # the name under which the browser keeps it; it guards nothing


class CanvasTab:
    """`view` is the canvas. For the other tabs: `latest` is what is seen on it, `runs` the events that paint.

    `sent` are the outputs of what shows a scene: `on_open` and others.
    """

    def __init__(
        self,
        openings: Openings,
        sets: gr.State,
        model: gr.Dropdown,
        kept: gr.BrowserState,
        *,
        read_only: bool = False,
    ):
        """`kept` is what the browser keeps of it. read_only: what would upload a file is not shown."""
        self.openings, self.library = openings, openings.library
        studio = self.library.get()
        gr.Markdown(ABOUT, elem_classes="about")
        with gr.Row(elem_classes="canvas-actions"):
            another = gr.Button("Another picture", variant="primary", size="md", elem_id="canvas-another")
            surprise = gr.Button("Surprise me", size="md", elem_id="surprise")
            stop = gr.Button("Stop", size="md", elem_id="canvas-stop")
            self.settings = Settings(studio)
            self.line = gr.HTML(status(""), elem_id="canvas-status")
        self.view = CanvasView(elem_id="canvas")
        with gr.Row(elem_classes="tight"):
            self.save = gr.Button("Download", size="sm", elem_id="canvas-save")
            self.save_large = gr.Button("Download enlarged", size="sm", elem_id="canvas-save-large")
            self.load = gr.UploadButton(
                "Go on with a PNG", size="sm", file_types=[".png"], visible=not read_only, elem_id="canvas-load"
            )
        own = gr.Column()
        self.settings.lay_out(studio)
        gr.HTML(heading("Earlier in this visit"), elem_classes="section")
        self.history = PictureGrid(strip(Works()), elem_id="canvas-history")
        self.file = gr.JSON(visible=False)
        parts = {"line": self.line, "history": self.history, "stop": stop, "kept": kept}
        self.painting = Painting(self.library, self.view, self.settings, **parts)
        with own:
            self.own = OwnPanel(self.library, self.painting, self.settings, read_only=read_only)
        self.latest, self.works = self.painting.latest, self.painting.works
        self.sent = [*self.painting.outputs, *self.settings.values, *self.settings.sizes, *self.own.outputs]
        self.runs = self.painting.connect(sets, model, another, self.own.connect(sets, model))
        self._connect(sets, model, surprise, kept)

    def _connect(self, sets: gr.State, model: gr.Dropdown, surprise: gr.Button, kept: gr.BrowserState) -> None:
        settings, works, here = self.settings, self.works, [sets, model, self.view]
        self.view.open(self.on_open, [*here, self.painting.own, kept, works], self.sent, **QUICK)
        surprise.click(self.on_surprise, here, self.view, **QUICK)
        settings.size.input(self.on_size, [model, self.view, settings.size], [self.view, *settings.sizes], **LATEST)
        typed = [model, self.view, settings.width, settings.height]
        settings.resize.click(self.on_sides, typed, [self.view, *settings.sizes], **QUICK)
        self.history.pick(self.on_recall, [sets, model, works, kept], self.sent, **EVERY)
        for button, handler in ((self.save, self.on_save), (self.save_large, self.on_save_large)):
            saved = button.click(handler, self.latest, self.file, **QUICK)
            saved.success(None, self.file, None, js=DOWNLOAD)
        opened = [sets, model, self.load, self.painting.own, works, kept]
        self.load.upload(self.on_load, opened, self.sent, **QUICK)

    def on_open(
        self, sets: VisitorSets, model: str, text: str | None, own: OwnPicture | None, kept: dict, works: Works
    ) -> dict:
        """The prototypes to paint with; and what is on the canvas, where it shows nothing of this model yet."""
        studio = or_gr_error(self.library.get, model)
        if model_of(text) == model:
            return {self.view: sends(palette=self._palette(studio, sets, or_gr_error(Drawing.read, text)[0]))}
        shown_set = sets.shown_set(studio)
        if own is not None and own.model == model:  # sent here from another tab, before this one was looked at
            drawing = blank_for(studio, own)
            under = {
                "scene": scene(drawing, paint=False, keep=False),
                "picture": picture(own.cut(studio, drawing), "shown"),
            }
            views = {**self.own.views(shown_set, own), **self.settings.size_views(drawing)}
            return {**views, self.view: sends(palette=self._palette(studio, sets, drawing), **under)}
        if (found := from_kept(kept, studio)) is not None:
            drawing, own, values = found
            sent = {"palette": self._palette(studio, sets, drawing), "scene": scene(drawing, paint=True, keep=False)}
            settings = {**self.settings.kept_views(values), **self.settings.size_views(drawing)}
            views = {**settings, **self.own.views(shown_set, own)}
            return {self.view: sends(**sent), self.line: status("brought back from this browser"), **views}
        return {**self.own.views(shown_set, None), **self._opening(studio, sets, works)}

    def _opening(self, studio: Studio, sets: VisitorSets, works: Works) -> dict:
        """The scene that a model opens with, and its picture if that is there already."""
        work = None if sets.now(studio) is not None else self.openings.canvas(studio.name)
        drawing = work.request.drawing if work else opening_scene(sets.shown_set(studio))
        sent = {
            "palette": self._palette(studio, sets, drawing),
            "scene": scene(drawing, paint=work is None, keep=False),
        }
        views = {**self.settings.model_views(studio), **self.settings.size_views(drawing), self.settings.seed: 1}
        if work is None:
            return {self.view: sends(**sent), self.line: status("starting"), **views}
        shown = self.painting.work_views(studio, works.made(work), {})
        shown.pop(self.painting.kept)  # nothing of the visitor's own yet
        return {**shown, self.view: sends(**sent, picture=picture(work.image, "shown")), **views}

    def _palette(self, studio: Studio, sets: VisitorSets, drawing: Drawing) -> str:
        known = {"live": is_live(studio, drawing), "brush": brush_of(studio, drawing)}
        return palette(sets.shown_set(studio), **known)

    def on_surprise(self, sets: VisitorSets, model: str, text: str) -> dict:
        """Another scene of the same size."""
        studio = or_gr_error(self.library.get, model)
        drawing, _ = or_gr_error(Drawing.read, text)
        seed = random.randrange(MAX_SEED)
        made = scene_of(sets.shown_set(studio), drawing.width, drawing.height, seed)
        return {self.view: sends(scene=scene(made, paint=True))}

    def on_size(self, model: str, text: str, size: str | None) -> dict:
        """A size of the list."""
        or_gr_error(one_of, "size", size, [f"{w}x{h}" for w, h in PRESETS])
        width, height = (float(side) for side in str(size).split("x"))
        return self.on_sides(model, text, width, height)

    def on_sides(self, model: str, text: str, width: float | None, height: float | None) -> dict:
        """The same drawing on a canvas of another size; what is no multiple of what the net needs is rounded."""
        studio = or_gr_error(self.library.get, model)
        drawing, _ = or_gr_error(Drawing.read, text)
        asked = []
        for field, side in (("width", width), ("height", height)):
            or_gr_error(expect, field, side, "a number from 64 to 1024", is_number(side, 64, 1024))
            assert side is not None
            asked.append(multiple_of(side, grid_of(studio)))
        if asked != [width, height]:
            gr.Info(f"A canvas of {asked[0]} × {asked[1]} pixels: this net needs multiples of {grid_of(studio)}.")
        resized = drawing.resized(*asked)
        return {self.view: sends(scene=scene(resized, paint=True)), **self.settings.size_views(resized)}

    def on_recall(self, sets: VisitorSets, model: str, works: Works, kept: dict, event: gr.EventData) -> dict:
        """An earlier picture with its drawing."""
        index = event.id
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(works.painted):
            raise gr.Error(
                f"history: expected 0 to {len(works.painted) - 1}, got another number", print_exception=False
            )
        if works.painted[index].model != model:
            raise gr.Error("This picture was made with another model; choose that model first.", print_exception=False)
        return self._work(self.library.get(model), sets, replace(works, shown=index), kept)

    def _work(self, studio: Studio, sets: VisitorSets, works: Works, kept: dict) -> dict:
        """One of the finished pictures: its drawing, and the settings that made it."""
        work = works.painted[works.shown]
        shown = {
            "scene": scene(work.request.drawing, paint=False),
            "picture": picture(work.image, "shown"),
        }
        settings = {**self.settings.kept_views(vars(work.request)), **self.settings.size_views(work.request.drawing)}
        settings |= self.own.views(sets.shown_set(studio), work.request.own)
        return {**self.painting.work_views(studio, works, kept), self.view: sends(**shown), **settings}

    def on_save(self, latest) -> dict:
        return or_gr_error(packed_png, latest, False)

    def on_save_large(self, latest) -> dict:
        return or_gr_error(packed_png, latest, True)

    def on_load(
        self, sets: VisitorSets, model: str, path: str | None, own: OwnPicture | None, works: Works, kept: dict
    ) -> dict:
        """Go on with a picture that was downloaded from here."""
        studio = or_gr_error(self.library.get, model)
        work, missing = or_gr_error(opened_png, studio, sets.now(studio), path, own)
        if missing:
            gr.Info(
                "It was painted on a picture of one's own, which is not in the file: drop that in to go on with it."
            )
        return self._work(studio, sets, works.made(work), kept)

    def on_model(self, name: str) -> dict:
        """For another model, or another set of prototypes: the view asks for what it needs when it is looked at."""
        return {self.view: sends(wanted=f"{name} {random.random()}")}


def model_of(text: str | None) -> str | None:
    """The model that a view's drawing is of; None where it shows none."""
    try:
        values = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    name = values.get("model") if isinstance(values, dict) else None
    return name if isinstance(name, str) else None
