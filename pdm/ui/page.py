"""The page: header, tabs, theme, and what a visitor sees before doing anything."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from pdm.app.studio import Library
from pdm.app.votes import Votes
from pdm.ui.api import pictures as api
from pdm.ui.compare import tab as compare
from pdm.ui.components.model_cards import ModelCards, cards
from pdm.ui.generate import tab as generate
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.settings import BLOCKS, QUEUE
from pdm.ui.judge import tab as blind
from pdm.ui.prototypes import tab as explore
from pdm.ui.results import tab as results
from pdm.ui.shared import keeping, link
from pdm.ui.shared.events import EVERY, LATEST, QUICK, SESSION_SECONDS
from pdm.ui.shared.opening import Openings
from pdm.ui.shared.session import BatchHistory, Picks, VisitorSets

TITLE = "Prototype Diffusion Studio"
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Neutral ground, one accent, system fonts: nothing is loaded from elsewhere."""
    return gr.themes.Base(
        primary_hue="teal", secondary_hue="teal", neutral_hue="zinc", radius_size="md", font=FONT, font_mono=MONO
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_border_width="0px",
        block_border_width_dark="0px",
        body_background_fill_dark="*neutral_950",
    )


def build(library: Library, device_text: str, votes: Votes) -> GuardedBlocks:
    """The whole page as Blocks; launch it with `theme()`, `css()` and the files of `map_view.served_files`."""
    openings = Openings(library)
    opening = openings.of(library.default)
    with GuardedBlocks(title=TITLE, fill_width=True, **BLOCKS) as page:
        api.build(library)  # before the tabs: the endpoints have the first right to their names
        with gr.Row(elem_classes="header"):
            gr.HTML(f"<h1>{TITLE}</h1>", scale=1)
            # What a card chose; never seen.
            model = gr.Dropdown(library.names, value=library.default, label="Model", visible="hidden")
            gr.HTML(f'<p class="device">{device_text}</p>', scale=0)
        shelf = ModelCards(cards(library, library.default), visible=len(library.names) > 1, elem_id="models")
        sets = gr.State(VisitorSets(), time_to_live=SESSION_SECONDS)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Generate", id="generate"):
                making = generate.GenerateTab(library, opening, sets, model)
            with gr.Tab("Prototypes", id="prototypes"):
                exploring = explore.ExploreTab(library, sets, model)
            with gr.Tab("Compare", id="compare"):
                compare.CompareTab(library, sets, model)
            with gr.Tab("Judge", id="blind"):
                blind.BlindTab(library, votes, model)
            with gr.Tab("Results", id="results") as tab:
                results.ResultsTab(library, model, tab)
        TabLinks(library, openings, model, shelf, tabs, making, exploring).connect(page, sets)
    page.queue(**QUEUE)
    return page


class TabLinks:
    """What passes between the tabs: the model, edits, picks, pictures, and what a link or the browser brings along."""

    def __init__(
        self,
        library: Library,
        openings: Openings,
        model: gr.Dropdown,
        shelf: ModelCards,
        tabs: gr.Tabs,
        making: generate.GenerateTab,
        exploring: explore.ExploreTab,
    ):
        self.library, self.openings, self.built = library, openings, library.get()
        self.model, self.shelf, self.tabs, self.making, self.exploring = model, shelf, tabs, making, exploring

    def connect(self, page: gr.Blocks, sets: gr.State) -> None:
        model, shelf, tabs, making, exploring = self.model, self.shelf, self.tabs, self.making, self.exploring
        kept = gr.BrowserState({}, storage_key=keeping.STORAGE_KEY, secret=keeping.STORAGE_SECRET)
        settings = making.settings
        chosen = [model, shelf, *making.gallery, *making.batch, *settings.of_model, *exploring.edited]
        opened = [*chosen, settings.seed, settings.locked]
        page.load(self.on_open, [making.picks, making.made, model, kept], opened, **QUICK)
        shelf.choose(self.on_choose, [sets, making.made], chosen, **EVERY)
        shown = [making.made, sets, model, making.detail.chosen]
        making.detail.on_map.click(self.on_show, shown, [tabs, *exploring.inspected], **QUICK)
        starred = [making.picks, sets, model, exploring.chosen]
        exploring.pick.click(self.on_pick, starred, [tabs, *making.gallery], **QUICK)
        for edit in exploring.edits:
            edit.success(lambda sets: keeping.stored(self.library, sets), sets, kept, **LATEST)
            edit.success(self.on_edit, [making.picks, sets, model], making.gallery, **LATEST)

    def on_open(self, picks: Picks, made: BatchHistory, name: str, kept: dict, asker: gr.Request) -> dict:
        """A visit begins: the edits that the browser kept, and what the address asks for."""
        library, making = self.library, self.making
        sets = keeping.restored(library, kept)
        wanted = asker.query_params.get("model")
        name = wanted if wanted in library.names else name or library.default
        studio = library.get(name)
        shown_set = sets.shown_set(studio)
        asked = link.parsed(shown_set, asker.query_params)
        picks = Picks(asked.prototypes, asked.weights) if asked.prototypes else picks.within(shown_set.names)
        explored = self.exploring.set_views if studio is self.built else self.exploring.model_views
        return {
            self.model: name,
            self.shelf: cards(library, name),
            making.settings.seed: gr.skip() if asked.seed is None else asked.seed,
            making.settings.locked: asked.seed is not None,
            **making.settings.model_views(studio),
            **making.picked_views(shown_set, picks),
            **self._batch(made, name),
            **explored(studio, sets),
        }

    def on_choose(self, sets: VisitorSets, made: BatchHistory, event: gr.EventData) -> dict:
        if event.name not in self.library.names:
            raise gr.Error(f"model: expected one of {', '.join(self.library.names)}", print_exception=False)
        studio = self.library.get(event.name)
        return {
            self.model: event.name,
            self.shelf: cards(self.library, event.name),
            **self.making.picked_views(sets.shown_set(studio), Picks()),
            **self.making.settings.model_views(studio),
            **(self._batch(made, event.name) if made.opening else {}),
            **self.exploring.model_views(studio, sets),
        }

    def _batch(self, made: BatchHistory, name: str) -> dict:
        """What was made, or what model `name` opens with where nothing was made yet."""
        return self.making.batch_views(self.openings.of(name) if made.opening else made)

    def on_show(self, made: BatchHistory, sets: VisitorSets, name: str, index: int) -> dict:
        """A picture that was made is shown on the map."""
        generate.check_model(made.batch, name)
        views = self.exploring.made_picture(self.library.get(name), sets, made.batch, index)
        return {self.tabs: gr.Tabs(selected="prototypes"), **views}

    def on_pick(self, picks: Picks, sets: VisitorSets, name: str, star: int | None) -> dict:
        """A star of the map is to make pictures."""
        shown_set = sets.shown_set(self.library.get(name))
        if star not in shown_set.prototypes.active:
            raise gr.Error("prototype: expected one that is not muted", print_exception=False)
        picks = picks if star in picks.ids else picks.toggled(star)
        return {self.tabs: gr.Tabs(selected="generate"), **self.making.picked_views(shown_set, picks)}

    def on_edit(self, picks: Picks, sets: VisitorSets, name: str) -> dict:
        shown_set = sets.shown_set(self.library.get(name))
        return self.making.picked_views(shown_set, picks.within(shown_set.prototypes.active))


def css() -> str:
    return (Path(__file__).parent / "page.css").read_text()
