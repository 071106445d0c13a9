"""The Prototypes tab: looking at prototypes, painting from them, and everything that can be done to them."""

from __future__ import annotations

import gradio as gr

from pdm.app.drag_film import DragFilm
from pdm.app.library import Library
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.prototypes.blend_panel import BlendPanel
from pdm.ui.prototypes.edit_panel import EditPanel
from pdm.ui.prototypes.editing import Editing
from pdm.ui.prototypes.find_panel import FindPanel
from pdm.ui.prototypes.history_panel import EditLogPanel
from pdm.ui.prototypes.inspector import Inspector
from pdm.ui.prototypes.painting import Painting
from pdm.ui.prototypes.real_panel import RealPanel, fetch
from pdm.ui.prototypes.refit_panel import RefitPanel
from pdm.ui.prototypes.set_file_panel import SetFilePanel
from pdm.ui.prototypes.set_views import SetViews, about
from pdm.ui.prototypes.star_looks import StarLooks
from pdm.ui.prototypes.star_map import StarMap
from pdm.ui.prototypes.visit import Visit
from pdm.ui.prototypes.walk_panel import WalkPanel
from pdm.ui.shared.events import PRIVATE
from pdm.ui.shared.previews import Previews
from pdm.ui.shared.session import Batch, VisitorSets

DRAWER = "Tools: edit, merge, blend, walk, lay out again, save"


class ExploreTab:
    """Lays the parts of the tab out and gives each of them those that it needs.

    For the other tabs: `edits` is a state that is another after each edit, `edited` what an edit sets, `inspected` what
    the inspector sets, `pick` the button that picks the `chosen` prototype for the Generate tab.
    """

    def __init__(self, library: Library, sets: gr.State, model: gr.Dropdown, *, read_only: bool = False):
        """read_only: what would upload a file is not shown."""
        self.visit = Visit(library, sets, model)
        studio = library.get()
        workspace = gr.Row(elem_classes="workspace")
        gr.Button(DRAWER, size="sm", elem_id="drawer")  # drawer.js turns it
        tools = gr.Row(elem_classes="columns", elem_id="tools")
        self.real = RealPanel(studio)
        self.about = gr.Markdown(about(studio), elem_classes="about", elem_id="about-model")
        with workspace:
            with gr.Column(min_width=320, elem_classes="map-side"):
                with gr.Row(elem_classes="map-head"):
                    self.find = FindPanel(self.visit, read_only=read_only)
                    self.history = EditLogPanel()
                self.star_map = StarMap(studio)
            beside = gr.Column(min_width=320, elem_id="result")
        self.find.show_on(self.star_map)
        with tools:
            self._tools(read_only)
        with beside:
            self.inspector = Inspector(self.visit, self.star_map, self.panel, self.find, studio.shown_set())
        self._connect()

    def _tools(self, read_only: bool) -> None:
        """What is in the drawer under the map."""
        shown_set = self.visit.library.get().shown_set()
        with gr.Column(scale=3, min_width=300):
            self.panel = EditPanel(shown_set)
        with gr.Column(scale=2, min_width=300):
            self.blend = BlendPanel(self.visit, shown_set)
            self.walk = WalkPanel(self.visit, shown_set)
            self.refit = RefitPanel(self.visit, self.star_map)
            self.set_file = SetFilePanel(self.visit, read_only=read_only)
        with gr.Column(scale=2, min_width=220):
            self.history.lay_out_log()

    def _connect(self) -> None:
        """The parts that need those on the page, and what the other tabs may use."""
        visit, star_map, inspector = self.visit, self.star_map, self.inspector
        self.views = SetViews(
            visit,
            self.about,
            real=self.real,
            find=self.find,
            inspector=inspector,
            blend=self.blend,
            history=self.history,
            walk=self.walk,
            refit=self.refit,
        )
        painting = Painting(visit, star_map, inspector.strips, inspector.title, Previews())
        inspector.known = painting.known_pictures
        StarLooks(visit, star_map, painting, inspector.chosen)
        editing = Editing(
            visit,
            star_map,
            panel=self.panel,
            history=self.history,
            find=self.find,
            set_file=self.set_file,
            views=self.views,
            painting=painting,
            asked=[*self.panel.edits(star_map), *inspector.edits(), *self.blend.edits(), *self.history.edits()],
        )
        for choose in inspector.choosing:  # pictures of the star before would come to lie under the name of another one
            choose(None, None, None, cancels=[painting.asked_for, editing.preview], queue=False, **PRIVATE)
        self.edits, self.edited, self.inspected = editing.edits, self.views.outputs, inspector.outputs
        self.set_views, self.model_views = self.views.of_set, self.views.of_model
        self.pick, self.chosen = inspector.pick, star_map.chosen
        fetching = {"show_progress_on": self.real.line, "concurrency_limit": 1, **PRIVATE, "show_progress": "full"}
        self.real.button.click(self.on_real, visit.inputs, self.edited, **fetching)

    def on_real(
        self,
        sets: VisitorSets,
        model: str,
        progress: gr.Progress = gr.Progress(track_tqdm=True),  # noqa: B008
    ) -> dict:
        return self.views.of_model(fetch(self.visit.library, model, progress), sets)

    def opened(self, shown_set: ShownSet, views: dict, film: DragFilm | None, batch: Batch | None = None) -> dict:
        """The tab as a visit opens it, from its `views`: with a film's star chosen and its pictures beside the map.

        Without a film, the first pictures of a `batch` stand there.
        """
        if film is not None:
            return self.inspector.opened(shown_set, views, film)
        return views if batch is None else views | self.inspector.first_pictures(batch)

    def made_picture(self, studio: Studio, sets: VisitorSets, batch: Batch, index: int) -> dict:
        """The inspector for a generated picture, from the Generate tab."""
        return self.inspector.made_picture(sets.shown_set(studio), batch, index)
