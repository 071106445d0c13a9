"""From a drawing to its picture: what a visitor asks of a canvas, checked, priced, and painted step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from pdm.app.canvas import Drawing, check_paintable
from pdm.app.own_picture import STEPS_BACK, OwnPicture
from pdm.app.painting import Frame, seconds_of, zero_gpu
from pdm.app.previews import Shown
from pdm.app.requests import AUTO, Request, resolved
from pdm.app.studio import Studio
from pdm.app.work_log import logged
from pdm.app.zero_gpu import streamed
from pdm.config import DEFAULT_STEPS
from pdm.editing.prototype_set import PrototypeSet
from pdm.evaluation.drawing import seeded
from pdm.pipelines.checks import check_tiling
from pdm.pipelines.palette import from_palette
from pdm.pipelines.regions import GROUNDS, MOST, Ground, Regions
from pdm.pipelines.start import Start
from pdm.sampling.inversion import INVERSE
from pdm.support.checks import expect, is_number, one_of, whole

SKETCH = 1  # step of a sketch by the student: nearly what two give, in half the time, and the picture follows
PREVIEW = 3  # of one by the denoiser, where there is no student
SOFT = 2.0  # pixels of the blur at the edges of regions, by which a soft brush's pattern becomes a slope
BRUSH = 0.12  # of the canvas's longer side
LIVE = 16.0  # pictures' worth of pixels, up to which a sketch is quick enough to be made while the hand moves


@dataclass(frozen=True, eq=False)
class CanvasRequest:
    """One picture of a drawing. `ground`: what is there where nothing is painted; the rest is as in `Request`.

    `own`: the visitor's picture beneath, whose mix takes the ground's place. `tileable`: its right edge goes on at its
    left one, its lower at its upper one. `tiling`: see `make_canvas`, the model's own way for None. `soften`: pixels of
    the blur at the edges of regions; a mosaic has none.
    """

    drawing: Drawing
    seed: int = 1
    steps: int = DEFAULT_STEPS
    guidance: float | None = None
    sampler: str = AUTO
    ground: str = "table"
    tileable: bool = False
    tiling: str | None = None
    soften: float = SOFT
    own: OwnPicture | None = None
    prototype_set: PrototypeSet | None = None

    @property
    def scale(self) -> float:
        """The guidance of a resolved request."""
        assert self.guidance is not None
        return self.guidance


@dataclass(frozen=True, eq=False)
class Painted:
    """A finished picture uint8 (C, H, W) of a canvas, and what made it."""

    model: str
    request: CanvasRequest
    image: np.ndarray
    milliseconds: float


def pictures_worth(width: int, height: int, side: int) -> float:
    """How many of a net's own pictures hold as many pixels: what a canvas costs."""
    return width * height / side**2


def worth(studio: Studio, drawing: Drawing) -> float:
    """The same of a drawing."""
    return pictures_worth(drawing.width, drawing.height, studio.pdm.image_size)


def own_side(studio: Studio) -> int:
    """The side in pixels of the canvas that a model opens with: sixteen of its own pictures."""
    return max(64, 4 * studio.pdm.image_size)


def grid_of(studio: Studio, tiling: str | None = None) -> int:
    """What the sides of a canvas must be a multiple of; `tiling`: the model's own for None."""
    return studio.pdm.grid(tiling)


def sketched(studio: Studio, request: CanvasRequest) -> CanvasRequest:
    """The request as a sketch: by the student where there is one, else in a few unguided steps."""
    if studio.pdm.student is not None and (request.own is None or request.own.mode != "kind"):
        return replace(request, steps=SKETCH, sampler=AUTO)
    return replace(request, steps=PREVIEW, sampler=AUTO, guidance=1.0)


def is_live(studio: Studio, drawing: Drawing) -> bool:
    """Whether sketches of it are made while the hand moves."""
    quick = studio.pdm.student is not None or studio.pdm.config.tiling == "mosaic"  # only the cells under the brush
    return quick and worth(studio, drawing) <= LIVE


def brush_of(studio: Studio, drawing: Drawing) -> float:
    """The part of a canvas's longer side that a brush is wide to begin with: one picture of a mosaic, or a stroke."""
    one = studio.pdm.image_size / max(drawing.width, drawing.height)
    return one if studio.pdm.config.tiling == "mosaic" else BRUSH


def resolved_canvas(studio: Studio, request: CanvasRequest) -> CanvasRequest:
    """The request with the sampler that "auto" stands for, and the guidance and the tiling that will be used.

    Raises ValueError that names the field, what is allowed and what came.
    """
    drawing, tiling = request.drawing, check_tiling(request.tiling or studio.pdm.config.tiling)
    grid = grid_of(studio, tiling)
    check_paintable(studio.shown_set(request.prototype_set), drawing.ids)
    expect("legend", list(drawing.ids), f"at most {MOST} prototypes on one canvas", len(drawing.ids) <= MOST)
    for field in ("width", "height"):
        expect(field, getattr(drawing, field), f"a multiple of {grid}", getattr(drawing, field) % grid == 0)
    one_of("ground", request.ground, GROUNDS)
    expect("tileable", request.tileable, "true or false", isinstance(request.tileable, bool))
    expect("soften", request.soften, "pixels from 0 to 64", is_number(request.soften, 0, 64))
    plain = Request("pdm", seed=request.seed, steps=request.steps, guidance=request.guidance, sampler=request.sampler)
    known = resolved(studio, replace(plain, count=1))
    if request.own is not None:
        studio.pdm.check_mix(request.own.ids, request.own.weights, request.prototype_set)
    soften = 0.0 if tiling == "mosaic" else request.soften  # what is painted on a cell is no other cell's
    return replace(request, guidance=known.guidance, sampler=known.sampler, tiling=tiling, soften=soften)


def regions(drawing: Drawing, ground: Ground, soften: float = SOFT) -> Regions:
    """What is painted where, as the library takes it."""
    legend = {k: drawing.legend[k - 1] for k in np.unique(drawing.pixels).tolist() if k}
    return from_palette(Image.fromarray(drawing.pixels), legend, soften=soften, ground=ground)


def run_canvas(studio: Studio, request: CanvasRequest, rest: Start | None = None) -> Iterator[Frame]:
    """Stream a resolved request, one picture a frame. Closing the iterator stops the work.

    `rest`: what of an earlier picture stays, see `rest_of`.
    """
    count = math.ceil(worth(studio, request.drawing))
    with logged("canvas", studio.name, count, request.steps):
        yield from streamed(_RUN, _run, studio, request, rest)


def _run(studio: Studio, request: CanvasRequest, rest: Start | None) -> Iterator[Frame]:
    pipeline, own, drawing = studio.pdm, request.own, request.drawing
    asked = regions(drawing, request.ground if own is None else (own.ids, own.weights), request.soften)
    noise = _noise_of(studio, request) if own is not None and own.mode == "kind" else None
    ready = studio.together.do(
        lambda: pipeline.prepare(
            seeded(request.seed, 1),
            regions=asked,
            prototype_set=request.prototype_set,
            guidance_scale=request.scale,
            tileable=request.tileable,
            tiling=request.tiling,
            start=rest if own is None else own.start(drawing, noise),
        )
    )
    shown = Shown(studio, pipeline, ready)
    for step, milliseconds in studio.together.stream(pipeline, ready, steps=request.steps, sampler=request.sampler):
        done = step.index + 1 == step.total
        images = shown.last(step) if done else shown.on_the_way(step)
        yield Frame(step.index + 1, step.total, images, done, find_ms=ready.find_ms, denoise_ms=milliseconds)


def _noise_of(studio: Studio, request: CanvasRequest) -> torch.Tensor:
    """The noise (1, C, H, W) that paints the visitor's picture under its own mix."""
    own, drawing = request.own, request.drawing
    assert own is not None
    start = Start(own.image, strength=own.strength)
    ready = studio.together.do(
        lambda: studio.pdm.prepare(
            seeded(0, 1),
            image=own.image,
            prototype_set=request.prototype_set,
            guidance_scale=1.0,
            height=drawing.height,
            width=drawing.width,
            tiling=request.tiling,
            start=start,
        )
    )
    *_, (last, _) = studio.together.stream(studio.pdm, ready, steps=STEPS_BACK, sampler=INVERSE)
    return last.denoised.cpu()


def painted(studio: Studio, request: CanvasRequest, frame: Frame) -> Painted:
    """A frame of a run as a picture to keep."""
    return Painted(studio.name, request, frame.images[0].numpy(), frame.denoise_ms)


def part_of(studio: Studio, work: Painted | None, x: object, y: object) -> torch.Tensor:
    """What is around a place of a painted picture, uint8 (1, C, H, W), as large as the net's own pictures.

    Raises ValueError where there is no picture of this model, and for places outside of it.
    """
    if work is None or work.model != studio.name:
        raise ValueError("canvas: expected a picture of this model on it, got none yet; paint one first")
    side, (height, width) = studio.pdm.image_size, work.image.shape[1:]
    corner = []
    for field, place, length in (("y", y, height), ("x", x, width)):
        whole(field, place, 0, length - 1)
        assert isinstance(place, int)
        corner.append(max(0, min(length - side, place - side // 2)))
    top, left = corner
    return torch.from_numpy(work.image[None, :, top : top + side, left : left + side].copy())


def _seconds(studio: Studio, request: CanvasRequest, rest: Start | None) -> int:
    """Seconds of GPU to ask for."""
    return seconds_of(worth(studio, request.drawing), request.steps)


_RUN = zero_gpu(_run, _seconds)
