"""The Prototypes tab's components: the map, the tools under it, and the inspector beside it."""

from __future__ import annotations

import gradio as gr

from pdm.app.regions import region_keys
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.map.projection import kind_of
from pdm.ui.components.map_view import MapView, map_base, map_state
from pdm.ui.components.picture_grid import PictureGrid
from pdm.ui.prototypes import edit_panel
from pdm.ui.prototypes.edit_panel import NEEDS_STAR, EditPanel
from pdm.ui.prototypes.find_panel import FindPanel
from pdm.ui.prototypes.real_panel import RealPanel
from pdm.ui.shared.events import SESSION_SECONDS
from pdm.ui.shared.wording import heading, status

ABOUT = (
    "Every dot is a {kind}, placed by what the model's encoder sees in it; every star is a prototype. Click a "
    "star to inspect it and paint from it. *Drag* it, and the model paints what lies where you drop it: nothing is "
    "trained, and every edit can be undone."
)
NOTHING = heading("Nothing chosen yet", "Click a star, drag one, lasso some dots, or double-click to add a star there.")


class ExploreParts:
    """Made in the tab being built."""

    def __init__(self, studio: Studio):
        shown_set = studio.shown_set()
        self.chosen = gr.State(None, time_to_live=SESSION_SECONDS)  # the prototype in the inspector
        self.region = gr.State((), time_to_live=SESSION_SECONDS)  # the images picked out on the map
        self.about = gr.Markdown(about(studio), elem_classes="about")
        self.real = RealPanel(studio)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.find = FindPanel()
                self.view = MapView(map_state(shown_set), base=map_base(studio), found=[], elem_id="map")
                with gr.Row(elem_classes="columns"):
                    with gr.Column(scale=2, min_width=300):
                        self._tools(shown_set)
                    with gr.Column(scale=1, min_width=220):
                        gr.HTML(heading("What you did"))
                        self.past = edit_panel.history_panel()
            with gr.Column(scale=1, min_width=320):
                self._inspector(shown_set)

    def _tools(self, shown_set: ShownSet) -> None:
        listed = choices(shown_set)
        self.hint = gr.HTML(heading("Edit", NEEDS_STAR))
        with gr.Accordion("Edit this prototype", open=True, visible=False, elem_id="edit-one") as self.fold:
            one = edit_panel.one_prototype()
        with gr.Accordion("Merge or add", open=False, elem_id="edit-many"):
            many = edit_panel.several_prototypes()
            many["group"].choices, many["area"].choices = listed, region_keys(shown_set)
        self.panel = EditPanel(**one, **many)
        with gr.Accordion("Blend two", open=False, elem_id="blend"):
            with gr.Row():
                self.a = gr.Dropdown(listed, value=None, label="From A")
                self.b = gr.Dropdown(listed, value=None, label="To B")
            self.t = gr.Slider(0, 1, 0.5, step=0.01, label="How far from A to B")
            self.film_line = gr.HTML(status(""))
            self.film = PictureGrid(elem_id="film")
            with gr.Row(elem_classes="tight"):
                self.show_film = gr.Button("Show the way from A to B", size="sm", elem_id="show-film")
                self.keep = gr.Button("Keep this blend", size="sm", elem_id="keep-blend")
            with gr.Row(elem_classes="ends"):
                self.c = gr.Dropdown(listed, value=None, label="C, for A - B + C")
                self.keep_analogy = gr.Button("Add A - B + C", size="sm", scale=0, min_width=130, elem_id="analogy")
        self.more = gr.Column()
        with gr.Accordion("Save and load", open=False):
            gr.HTML(
                heading(
                    "", "A set is one file: prototypes, names, tags and what was done. It loads here and in Python."
                )
            )
            with gr.Row(elem_classes="tight"):
                self.save = gr.Button("Save the set", size="sm", elem_id="save-set")
                self.load = gr.UploadButton("Load a set", size="sm", file_types=[".safetensors"], elem_id="load-set")
            self.file = gr.JSON(visible=False)

    def _inspector(self, shown_set: ShownSet) -> None:
        listed = choices(shown_set)
        self.names = gr.Dropdown(listed, value=None, label="Prototype", filterable=True, elem_id="star-names")
        self.title = gr.HTML(NOTHING, elem_id="star-title")
        self.make_up = gr.HTML("", elem_id="make-up")
        with gr.Row():
            self.paint = gr.Button("Generate from it", variant="primary", interactive=False, elem_id="paint")
            self.stop = gr.Button("Stop", scale=0, min_width=80)
        self.line = gr.HTML(status(""))
        self.before_title = gr.HTML("")
        self.before = PictureGrid(elem_id="before")
        self.dropped = gr.State(None)  # where a star was let go, for the edit that follows its pictures
        self.painted_title = gr.HTML("", elem_id="painted-title")
        self.painted = PictureGrid(elem_id="painted")
        with gr.Accordion("One picture, before | after", open=False, visible=False) as self.slider_fold:
            self.slider = gr.ImageSlider(
                show_label=False, container=False, format="png", interactive=False, elem_classes="crisp-slider"
            )
        self.pick = gr.Button("Pick it for Generate", size="sm", visible=False, elem_id="pick-star")
        self.add_it = gr.Button("Add it as a prototype", size="sm", visible=False, elem_id="add-it")
        self.shown_title = gr.HTML("")
        self.shown = PictureGrid(elem_id="shown")
        self.near_title = gr.HTML("")
        self.near = PictureGrid(elem_id="near")

    @property
    def inspected(self) -> list:
        p = self.panel
        return [
            self.chosen,
            self.region,
            self.view,
            self.names,
            self.title,
            self.make_up,
            self.paint,
            self.line,
            self.before_title,
            self.before,
            self.painted_title,
            self.painted,
            self.fold,
            self.hint,
            self.slider_fold,
            self.pick,
            self.add_it,
            self.shown_title,
            self.shown,
            self.near_title,
            self.near,
            p.name,
            p.tags,
            p.strength,
            p.towards,
            p.mute,
            p.area,
            p.group,
        ]

    @property
    def edited(self) -> list:
        past = self.past
        real = self.real.shown
        return [self.about, *real, self.sets, self.a, self.b, self.c, past.undo, past.redo, past.log, *self.inspected]


def about(studio: Studio) -> str:
    return ABOUT.format(kind=kind_of(studio.map.generated, 1))


def choices(shown_set: ShownSet) -> list[tuple[str, int]]:
    return [(shown_set.names[k], k) for k in shown_set.order]
