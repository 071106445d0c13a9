"""Drawing on a painted mosaic: cells that nothing was drawn on stay, the others are painted as all of it would be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pdm.app.canvas import Drawing
from pdm.app.canvas_again import rest_of
from pdm.app.canvas_painting import CanvasRequest, brush_of, is_live, painted, resolved_canvas, run_canvas, sketched
from pdm.app.own_picture import own_picture
from pdm.data.images import as_picture
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from tests.tiny import SIZE, tiny_denoiser

SIDE = 4 * SIZE


@pytest.fixture
def objects(studio):
    """A studio whose net knows pictures of one object, so that its canvases are mosaics."""
    return replace(studio, pdm=PDMPipeline(tiny_denoiser(), studio.pdm.bank, make_scheduler(), tiling="mosaic"))


def asked(studio, drawing=None, **options):
    return resolved_canvas(studio, CanvasRequest(drawing or blocks(), **{"steps": 2, **options}))


def blocks(stroke: slice | None = None) -> Drawing:
    """Two prototypes side by side, and a stroke of a third one over rows of the left half, 7 pixels from its end."""
    pixels = np.ones((SIDE, SIDE), np.uint8)
    pixels[:, SIDE // 2 :] = 2
    if stroke is not None:
        pixels[stroke, : SIDE // 2 - 7] = 3
    return Drawing((1, 5, 6), pixels)


def work_of(studio, request):
    *_, last = run_canvas(studio, request)
    return painted(studio, request, last)


def calls_of(studio, monkeypatch) -> list[int]:
    """How many pictures each call of its net is for, from here on."""
    rows, net = [], studio.pdm.denoiser.forward
    monkeypatch.setattr(studio.pdm.denoiser, "forward", lambda x, *rest, **more: rows.append(len(x)) or net(x, *rest))
    return rows


def test_cells_that_nothing_was_drawn_on_are_not_painted_again(objects, monkeypatch):
    before = work_of(objects, asked(objects))
    request = asked(objects, blocks(slice(SIZE + 7, 2 * SIZE - 7)))  # inside the second row of cells
    rest = rest_of(objects, request, before, finished=True)
    expected = work_of(objects, request).image
    rows = calls_of(objects, monkeypatch)
    *_, last = run_canvas(objects, request, rest)
    image = last.images[0].numpy()
    keep = rest.keep.bool().numpy()
    assert keep.mean() == 14 / 16 and rows and set(rows) == {2}
    assert np.array_equal(image[:, keep], before.image[:, keep])
    assert np.abs(image.astype(int) - expected).max() <= 1 and (image != before.image)[:, ~keep].any()


def test_a_stroke_up_to_the_edge_of_a_cell_changes_none_beside_it(objects):
    before, request = work_of(objects, asked(objects)), asked(objects, blocks(slice(SIZE, 2 * SIZE)))
    assert float(rest_of(objects, request, before, finished=True).keep.mean()) == 14 / 16
    other, image = work_of(objects, request).image, before.image
    assert np.array_equal(other[:, :SIZE], image[:, :SIZE]) and (other != image)[:, SIZE : 2 * SIZE].any()


def test_with_nothing_new_nothing_is_painted(objects, monkeypatch):
    before = work_of(objects, asked(objects))
    rows = calls_of(objects, monkeypatch)
    *_, last = run_canvas(objects, before.request, rest_of(objects, before.request, before, finished=True))
    assert rows == [] and np.array_equal(last.images[0].numpy(), before.image)


def test_another_legend_that_says_the_same_changes_nothing(objects):
    before, drawn = work_of(objects, asked(objects)), blocks()
    other = Drawing((5, 1), (3 - drawn.pixels).astype(np.uint8))
    assert float(rest_of(objects, asked(objects, other), before, finished=True).keep.mean()) == 1


@pytest.mark.parametrize("change", [{"seed": 2}, {"ground": "null"}, {"tileable": True}, {"tiling": "windows"}])
def test_other_settings_paint_all_of_it(objects, change):
    before = work_of(objects, asked(objects))
    for finished in (True, False):
        assert rest_of(objects, asked(objects, **change), before, finished=finished) is None


def test_a_picture_keeps_cells_of_its_own_steps_alone_and_a_sketch_those_of_a_finished_picture(objects):
    before = work_of(objects, asked(objects))
    quick = resolved_canvas(objects, sketched(objects, CanvasRequest(blocks(slice(20, 25)))))
    assert rest_of(objects, quick, before, finished=False) is not None
    for other in ({"steps": 3}, {"guidance": 2.0}, {"sampler": "euler"}):
        assert rest_of(objects, asked(objects, **other), before, finished=True) is None


def test_nothing_is_kept_of_other_pictures(objects, studio):
    before = work_of(objects, asked(objects))
    request = asked(objects)
    edited = apply(objects.base, "rename", {"id": 1, "name": "one"}, objects.edit_context)[0]
    own = own_picture(objects, as_picture(torch.from_numpy(before.image)), None)
    assert rest_of(objects, request, None, finished=False) is None
    assert rest_of(objects, request, replace(before, model="another"), finished=False) is None
    assert rest_of(objects, asked(objects, prototype_set=edited), before, finished=False) is None
    assert rest_of(objects, replace(request, own=own), before, finished=False) is None
    assert rest_of(objects, asked(objects, Drawing.blank(SIDE, SIZE)), before, finished=False) is None
    assert rest_of(studio, asked(studio), work_of(studio, asked(studio)), finished=False) is None  # one whole


def test_a_mosaic_is_sketched_while_the_hand_moves(objects, studio):
    assert is_live(objects, blocks()) and not is_live(studio, blocks())
    assert not is_live(objects, Drawing.blank(SIDE, 2 * SIDE))


def test_a_brush_is_as_wide_as_a_picture_of_a_mosaic(objects, studio):
    assert brush_of(objects, Drawing.blank(SIDE, 2 * SIDE)) == 1 / 8 and brush_of(studio, blocks()) < 1 / 4
