"""Your picture: one of the visitor's own under the canvas, which he keeps, paints over, or paints as something else."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from PIL import Image

from pdm.app.canvas import MIN_SIDE, SMALLEST, Drawing, multiple_of
from pdm.app.canvas_painting import grid_of, own_side
from pdm.app.library import Library
from pdm.app.own_picture import MODES, OwnPicture, own_picture
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.pipelines.start import OTHER_KIND_GUIDANCE
from pdm.ui.canvas.painting import Painting
from pdm.ui.canvas.settings import Settings
from pdm.ui.components.canvas_view import picture, scene, sends
from pdm.ui.components.mixer import Mixer, mix
from pdm.ui.guard.blocks import DAMAGED
from pdm.ui.shared.errors import or_gr_error
from pdm.ui.shared.events import EVERY, LATEST, QUICK
from pdm.ui.shared.session import VisitorSets
from pdm.ui.shared.wording import heading, status

NONE = "Drop a picture in, and paint on it with prototypes; what you do not paint over stays."
MIX = "What it is made of; the sliders count where nothing is painted."
NO_PICTURE = "picture: expected one of yours under the canvas, got none; drop one in first"


class OwnPanel:
    """Laid out in the current column. `outputs` is all that `views` sets; `changed` are events to paint anew after."""

    def __init__(self, library: Library, painting: Painting, settings: Settings, *, read_only: bool = False):
        self.library, self.painting, self.settings = library, painting, settings
        with gr.Accordion("Your picture", open=False, elem_id="own"):
            self.note = gr.HTML(heading("", NONE))
            with gr.Row(elem_classes="columns"):
                self.upload = gr.Image(
                    type="pil",
                    label="A picture to paint on",
                    sources=["upload", "clipboard"],
                    height=170,
                    visible=not read_only,
                    elem_id="own-upload",
                )
                with gr.Column(min_width=260):
                    modes = [(title, key) for key, title in MODES.items()]
                    self.mode = gr.Radio(modes, value="keep", show_label=False, label="What becomes of it")
                    self.strength = gr.Slider(0.02, 1, 1, step=0.01, label="How much is painted over")
                    self.away = gr.Button("Take it away", size="sm", elem_id="own-away")
                with gr.Column(min_width=260):
                    self.mixer = Mixer(elem_id="own-mix")
                    self.other = gr.Dropdown([], value=None, label="Paint it as", filterable=True, elem_id="own-as")
        self.controls = [self.note, self.mode, self.strength, self.mixer, self.other]
        self.outputs = [painting.own, *self.controls]

    def connect(self, sets: gr.State, model: gr.Dropdown) -> list:
        """Its events; returns those after which the picture is to be painted anew."""
        painting, settings = self.painting, self.settings
        here = [sets, model, painting.view, painting.own]
        # What `taken` sets.
        self.put = [*self.outputs, painting.view, painting.line, *settings.sizes, settings.guidance]
        self.upload.change(self.on_upload, [sets, model, painting.view, self.upload], self.put, **QUICK)
        asked = [
            self.away.click(self.on_away, here, self.outputs, **QUICK),
            self.mode.input(self.on_mode, [*here, self.mode], [*self.outputs, settings.guidance], **LATEST),
            self.strength.release(self.on_strength, [*here, self.strength], self.outputs, **LATEST),
            self.mixer.mix(self.on_mix, here, self.outputs, **EVERY),
            self.mixer.drop(self.on_drop, here, self.outputs, **EVERY),
            self.other.input(self.on_other, [*here, self.other], self.outputs, **LATEST),
        ]
        return [event.success for event in asked]

    def views(self, shown_set: ShownSet, own: OwnPicture | None) -> dict:
        """The panel for a picture, or for none."""
        names = [(shown_set.names[k], k) for k in shown_set.order if not shown_set.prototypes.get(k).muted]
        known = own is not None and all(k in shown_set.names for k in own.ids)
        ids, weights = (own.ids, own.weights) if own is not None and known else ((), ())
        shown = {**mix(shown_set, list(ids), list(weights)), "empty": ""}
        return {
            self.painting.own: own,
            self.note: heading("", NONE if own is None else MIX),
            self.mode: "keep" if own is None else own.mode,
            self.strength: 1 if own is None else own.strength,
            self.mixer: shown,
            self.other: gr.update(choices=names, value=None),
        }

    def taken(self, studio: Studio, sets: VisitorSets, image: Image.Image, side: int | None = None) -> dict:
        """A picture put under an empty canvas of its shape; `side` as in `blank_for`."""
        own = or_gr_error(own_picture, studio, image, sets.now(studio))
        drawing = blank_for(studio, own, side)
        under = {"scene": scene(drawing, paint=False), "picture": picture(own.cut(studio, drawing), "shown")}
        return {
            **self.views(sets.shown_set(studio), own),
            self.painting.view: sends(**under),
            self.painting.line: status("Choose a prototype and paint on your picture."),
            self.settings.guidance: studio.guidance,
            **self.settings.size_views(drawing),
        }

    def on_upload(self, sets: VisitorSets, model: str, text: str, image: Image.Image | None) -> dict:
        studio = or_gr_error(self.library.get, model)
        if image is None:
            return self.views(sets.shown_set(studio), None)
        try:
            image.load()
        except Exception as error:  # Pillow raises a dozen unrelated types, whose texts are not for visitors
            raise gr.Error(DAMAGED, print_exception=False) from error
        drawing, _ = or_gr_error(Drawing.read, text)
        return self.taken(studio, sets, image, max(drawing.width, drawing.height, own_side(studio)))

    def on_away(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None) -> dict:
        return self.views(sets.shown_set(or_gr_error(self.library.get, model)), None)

    def on_mode(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, mode: str) -> dict:
        studio = or_gr_error(self.library.get, model)
        changed = or_gr_error(_there(own).in_mode, studio, mode)
        guidance = OTHER_KIND_GUIDANCE if mode == "kind" else studio.guidance
        return {**self.views(sets.shown_set(studio), changed), self.settings.guidance: guidance}

    def on_strength(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, strength: float) -> dict:
        return self._changed(sets, model, or_gr_error(_there(own).with_strength, strength))

    def on_mix(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, event: gr.EventData) -> dict:
        return self._mixed(sets, model, own, event.ids, event.weights)

    def on_drop(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, event: gr.EventData) -> dict:
        pairs = [(k, w) for k, w in zip(_there(own).ids, _there(own).weights, strict=True) if k != event.id]
        return self._mixed(sets, model, own, [k for k, _ in pairs], [w for _, w in pairs])

    def on_other(self, sets: VisitorSets, model: str, text: str, own: OwnPicture | None, other: int | None) -> dict:
        """Another prototype in the place of the picture's own ones, which stay there with nothing."""
        left = [k for k in _there(own).ids if k != other]
        return self._mixed(sets, model, own, [other, *left], [1.0, *[0.0] * len(left)])

    def _mixed(self, sets: VisitorSets, model: str, own: OwnPicture | None, ids: Sequence, weights: Sequence) -> dict:
        studio = or_gr_error(self.library.get, model)
        ids, weights = list(ids), list(weights)
        or_gr_error(studio.pdm.check_mix, ids, weights, sets.now(studio))
        changed = _replaced(_there(own), tuple(ids), tuple(float(w) for w in weights))
        return self._changed(sets, model, changed)

    def _changed(self, sets: VisitorSets, model: str, own: OwnPicture) -> dict:
        return self.views(sets.shown_set(or_gr_error(self.library.get, model)), own)


def _replaced(own: OwnPicture, ids: tuple[int, ...], weights: tuple[float, ...]) -> OwnPicture:
    return OwnPicture(own.model, own.image, ids, weights, own.mode, own.strength)


def _there(own: OwnPicture | None) -> OwnPicture:
    if own is None:
        raise gr.Error(NO_PICTURE, print_exception=False)
    return own


def blank_for(studio: Studio, own: OwnPicture, side: int | None = None) -> Drawing:
    """An empty canvas of a picture's shape.

    side: about how many pixels its longer side has; without one, as many as the picture where that is not large.
    """
    least, grid = max(SMALLEST, min(MIN_SIDE, studio.pdm.image_size)), grid_of(studio)
    side = min(own_side(studio), max(own.image.size)) if side is None else side
    scale = side / max(own.image.size)
    return Drawing.blank(*(multiple_of(scale * length, grid, least) for length in own.image.size))
