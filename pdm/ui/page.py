"""The page: header, tabs, theme, and what a visitor sees before doing anything."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes import Base
from PIL import Image

from pdm.app.canvas_painting import Painted, part_of
from pdm.app.gate import Gate
from pdm.app.library import Library
from pdm.app.painting import at_once
from pdm.app.studio import Studio
from pdm.app.votes import Votes
from pdm.making.runs import Runs
from pdm.ui.api import pictures as api
from pdm.ui.canvas import tab as canvas
from pdm.ui.compare import tab as compare
from pdm.ui.components.brighter import Brighter
from pdm.ui.components.model_cards import ModelCards, cards
from pdm.ui.generate import tab as generate
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.settings import BLOCKS, QUEUE
from pdm.ui.judge import tab as blind
from pdm.ui.model_choice import ModelChoice
from pdm.ui.prototypes import tab as explore
from pdm.ui.remembered import Remembered
from pdm.ui.results import tab as results
from pdm.ui.shared import keeping
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK, SESSION_SECONDS, hide_status, into_view
from pdm.ui.shared.kept_visit import KeptStates
from pdm.ui.shared.opening import Openings
from pdm.ui.shared.session import BatchHistory, Picks, VisitorSets
from pdm.ui.train.tab import TrainTab

TITLE = "Prototype Diffusion Studio"
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Neutral ground, one accent, system fonts: nothing is loaded from elsewhere."""
    return Base(
        primary_hue="teal", secondary_hue="teal", neutral_hue="zinc", radius_size="md", font=FONT, font_mono=MONO
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_border_width="0px",
        block_border_width_dark="0px",
        body_background_fill_dark="*neutral_950",
    )


def build(
    library: Library,
    device_text: str,
    votes: Votes,
    openings: Openings | None = None,
    *,
    read_only: bool = False,
    runs: Runs | None = None,
    from_afar: bool = False,
) -> GuardedBlocks:
    """The whole page as Blocks; launch it with `theme()`, `css()` and the files of `map_view.served_files`.

    `openings` of the same library, where somebody has begun to make them. read_only: nothing that uploads or votes is
    shown; the server refuses both whatever a page shows. `runs`: where models are made, of an app that trains;
    `from_afar`: for others than those at this machine, too. Raises ValueError for a damaged model.
    """
    openings = openings or Openings(library)
    with GuardedBlocks(title=TITLE, fill_width=True, gate=Gate(running=at_once()), **BLOCKS) as page:
        unseen = gr.HTML(visible=False)  # first, where Gradio looks first
        api.build(library)  # before the tabs: the endpoints have the first right to their names
        with gr.Column(elem_classes="header"):
            gr.HTML(f"<h1>{TITLE}</h1>", scale=1)
            # The model that the page shows; never seen.
            model = gr.Dropdown(
                library.names,
                value=library.default,
                label="Model",
                visible="hidden",
                allow_custom_value=runs is not None,  # a model that is made while the page is open
            )
            gr.HTML(f'<p class="device">{device_text}</p>', scale=0)
            Brighter(elem_id="brighter")
        start = cards(library, library.default, pictures=False)
        shelf = ModelCards(start, visible=len(library.names) > 1, elem_id="models")
        sets = gr.State(VisitorSets(), time_to_live=SESSION_SECONDS)
        # Outside of the tabs: inside of one it would be read only after its tab was opened.
        drawn = gr.BrowserState({}, storage_key=canvas.STORAGE, secret=canvas.STORAGE)
        kept = KeptStates.laid_out()
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Prototypes", id="prototypes"):
                exploring = explore.ExploreTab(library, sets, model, read_only=read_only)
            with gr.Tab("Generate", id="generate"):
                opening = openings.of(library.default)
                making = generate.GenerateTab(library, opening, sets, model, kept, read_only=read_only)
            with gr.Tab("Canvas", id="canvas"):
                drawing = canvas.CanvasTab(openings, sets, model, drawn, read_only=read_only)
            with gr.Tab("Compare", id="compare") as compared:
                comparing = compare.CompareTab(library, sets, model)
            with gr.Tab("Judge", id="judge") as judged:
                judging = blind.BlindTab(library, votes, model, kept, read_only=read_only)
            with gr.Tab("Results", id="results") as tab:
                measured = results.ResultsTab(library, model, tab)
            if runs is not None:
                with gr.Tab("Train", id="train") as tab:
                    TrainTab(library, runs, shelf, model, tab, guarded=not from_afar)
        remembered = Remembered(kept, model, making, exploring, judging)
        remembered.connect()
        choosing = ModelChoice(openings, shelf, remembered, drawing, comparing, measured)
        choosing.connect(page, sets)
        # A visit may begin on one of them, by its address: that selects nothing.
        comparing.open_on(compared.select, choosing.chosen.success, choosing.begun.success)
        judging.open_on(judged.select, choosing.chosen.success, choosing.begun.success)
        TabLinks(library, model, tabs, making, drawing, exploring).connect(sets, choosing.kept)
    hide_status(page, unseen)
    page.queue(**QUEUE)
    return page


class TabLinks:
    """What passes between the tabs: edits, picks and pictures."""

    def __init__(
        self,
        library: Library,
        model: gr.Dropdown,
        tabs: gr.Tabs,
        making: generate.GenerateTab,
        drawing: canvas.CanvasTab,
        exploring: explore.ExploreTab,
    ):
        self.library, self.model, self.tabs = library, model, tabs
        self.making, self.drawing, self.exploring = making, drawing, exploring

    def connect(self, sets: gr.State, kept: gr.BrowserState) -> None:
        model, tabs, making, exploring, drawing = self.model, self.tabs, self.making, self.exploring, self.drawing
        shown = [making.made, sets, model, making.detail.chosen]
        on_map = making.detail.on_map.click(self.on_show, shown, [tabs, *exploring.inspected], **QUICK)
        on_map.success(None, None, None, js=into_view("#map"))
        starred = [making.picks, sets, model, exploring.chosen]
        picked = exploring.pick.click(self.on_pick, starred, [tabs, *making.gallery], **QUICK)
        picked.success(None, None, None, js=into_view("#mixer"))
        exploring.edits.change(lambda sets: keeping.stored(self.library, sets), sets, kept, **LATEST)
        exploring.edits.change(self.on_edit, [making.picks, sets, model], [*making.gallery, drawing.view], **LATEST)
        edited = [tabs, *drawing.own.put]
        made = [making.made, sets, model, making.detail.chosen]
        making.detail.edit.click(self.on_edit_made, made, edited, **QUICK)
        exploring.inspector.edit.click(self.on_edit_shown, [exploring.star_map.region, sets, model], edited, **QUICK)
        looked = [drawing.latest, sets, model]
        drawing.view.where(self.on_where, looked, [tabs, *exploring.inspected], **EVERY)

    def on_show(self, made: BatchHistory, sets: VisitorSets, name: str, index: int) -> dict:
        """A picture that was made is shown on the map."""
        batch = generate.check_model(made.batch, name)
        views = self.exploring.made_picture(self.library.get(name), sets, batch, index)
        return {self.tabs: gr.Tabs(selected="prototypes"), **views}

    def on_edit_made(self, made: BatchHistory, sets: VisitorSets, name: str, index: int) -> dict:
        """A picture that was made goes under the canvas."""
        batch, studio = generate.check_model(made.batch, name), self.library.get(name)
        return self._on_canvas(studio, sets, batch.picture(studio, index))

    def on_edit_shown(self, region: tuple[int, ...], sets: VisitorSets, name: str) -> dict:
        """A picture of the map goes under the canvas."""
        studio = self.library.get(name)
        ids = or_gr_error(studio.check_images, list(region))
        if len(ids) != 1:
            raise gr.Error("picture: expected one of the map's to be chosen; click a dot first", print_exception=False)
        return self._on_canvas(studio, sets, studio.picture(ids[0]))

    def _on_canvas(self, studio: Studio, sets: VisitorSets, image: Image.Image) -> dict:
        return {self.tabs: gr.Tabs(selected="canvas"), **self.drawing.own.taken(studio, sets, image)}

    def on_pick(self, picks: Picks, sets: VisitorSets, name: str, star: int | None) -> dict:
        """A star of the map is to make pictures."""
        shown_set = sets.shown_set(self.library.get(name))
        if star not in shown_set.prototypes.active:
            raise gr.Error("Choose a prototype that is not muted.", print_exception=False)
        picks = picks if star in picks.ids else picks.toggled(star)
        return {self.tabs: gr.Tabs(selected="generate"), **self.making.picked_views(shown_set, picks)}

    def on_edit(self, picks: Picks, sets: VisitorSets, name: str) -> dict:
        shown_set = sets.shown_set(self.library.get(name))
        picked = self.making.picked_views(shown_set, picks.within(shown_set.prototypes.active))
        return picked | self.drawing.on_model(name)

    def on_where(self, latest: Painted | None, sets: VisitorSets, name: str, event: gr.EventData) -> dict:
        """A part of the canvas, as large as the map's pictures, is shown on the map."""
        studio = self.library.get(name)
        part = or_gr_error(part_of, studio, latest, event.x, event.y)
        views = self.exploring.inspector.place_views(sets.shown_set(studio), part, "A part of your canvas")
        return {self.tabs: gr.Tabs(selected="prototypes"), **views}


def css() -> str:
    return (Path(__file__).parent / "page.css").read_text()
