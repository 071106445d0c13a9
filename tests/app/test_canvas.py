"""A drawing as it travels, what is refused of one, and its picture: checked, priced, and painted where it was drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.app.canvas import MAX_RUNS, Drawing, check_paintable, multiple_of
from pdm.app.canvas_painting import (
    PREVIEW,
    CanvasRequest,
    is_live,
    own_side,
    painted,
    part_of,
    regions,
    resolved_canvas,
    run_canvas,
    sketched,
    worth,
)
from pdm.app.scenes import opening_scene, scene
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from tests.tiny import tiny_denoiser


def halves(width=64, height=64, legend=(1, 5)):
    pixels = np.ones((height, width), np.uint8)
    pixels[:, width // 2 :] = 2
    return Drawing(legend, pixels)


@given(st.integers(64, 90), st.integers(64, 90), st.integers(0, 2**31))
def test_a_drawing_arrives_as_it_was_sent(width, height, seed):
    random = np.random.default_rng(seed)
    drawing = Drawing((3, 4, 9), random.integers(0, 4, (height, width)).astype(np.uint8))
    again = Drawing.unpacked(drawing.packed())
    assert again.legend == drawing.legend and np.array_equal(again.pixels, drawing.pixels)


def test_a_run_longer_than_two_bytes_arrives():
    again = Drawing.unpacked(Drawing.blank(1024, 1000).packed())
    assert again.pixels.shape == (1000, 1024) and not again.pixels.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 31}, "width: expected a whole number from 32 to 1024, got 31"),
        ({"height": 1025}, "height: expected a whole number from 32 to 1024, got 1025"),
        ({"width": True}, "width: expected a whole number"),
        ({"width": 65}, "mask: expected 65 x 64 pixels, got 4096"),
        ({"legend": None}, "legend: expected a list of prototypes"),
        ({"legend": [1]}, "mask: expected colours from 0 to 1"),
        ({"legend": [1, -5]}, "legend: expected whole numbers from 0"),
        ({"legend": list(range(256))}, "legend: expected at most 255 prototypes, got 256"),
        ({"runs": 5}, "mask: expected runs as base64"),
        ({"runs": "%%%"}, "mask: expected runs as base64"),
        ({"runs": "AAAA" * (MAX_RUNS + 1)}, "runs, got more; paint it with harder edges"),
        ({"runs": "AA=="}, "mask: expected runs of three bytes, got part of one"),
    ],
)
def test_what_is_no_drawing_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError) as error:
        Drawing.unpacked(halves().packed() | change)
    assert message in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "7", '{"n": 1}', 5, "[" * 100_000])
def test_a_view_that_holds_no_drawing_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        Drawing.read(text)


def test_only_prototypes_that_are_there_and_not_muted_can_be_painted_with(studio):
    check_paintable(studio.shown_set(), [0, 7])
    with pytest.raises(ValueError, match="prototypes: expected ids of this set, 0 to 7, got 8"):
        check_paintable(studio.shown_set(), [8])
    muted = apply(studio.base, "mute", {"ids": [5]}, studio.edit_context)[0]
    with pytest.raises(ValueError, match="legend: expected prototypes that are not muted"):
        resolved_canvas(studio, CanvasRequest(halves(), prototype_set=muted))
    unused = Drawing((1, 5), np.ones((64, 64), np.uint8))  # it stands in the legend, but is painted nowhere
    assert resolved_canvas(studio, CanvasRequest(unused, prototype_set=muted)).sampler == "dpm++2m"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps: expected"),
        ({"seed": -1}, "seed: expected"),
        ({"guidance": float("nan")}, "guidance: expected"),
        ({"ground": "sky"}, "ground: expected one of table, null, got 'sky'"),
        ({"tileable": "yes"}, "tileable: expected true or false"),
        ({"tiling": "half"}, "tiling: expected"),
        ({"drawing": Drawing.blank(65, 64)}, "width: expected a multiple of"),
    ],
)
def test_a_wrong_request_is_refused_and_names_its_field(studio, change, message):
    with pytest.raises(ValueError, match=message):
        resolved_canvas(studio, replace(CanvasRequest(halves()), **change))


def test_a_drawing_is_painted_at_its_size_and_the_same_again(studio):
    request = resolved_canvas(studio, CanvasRequest(halves(96, 64), steps=2))
    *_, first = run_canvas(studio, request)
    *_, second = run_canvas(studio, request)
    *_, other = run_canvas(studio, replace(request, seed=2))
    work = painted(studio, request, first)
    assert work.image.shape == (1, 64, 96) and first.done
    assert torch.equal(first.images, second.images) and not torch.equal(first.images, other.images)


def test_an_empty_canvas_is_painted_from_its_ground(studio):
    request = resolved_canvas(studio, CanvasRequest(Drawing.blank(64, 64), steps=2, ground="null"))
    *_, last = run_canvas(studio, request)
    assert last.images.shape == (1, 1, 64, 64)


def test_regions_are_those_that_are_painted_and_their_edges_are_soft():
    drawing = halves(legend=(1, 5, 6))
    drawing.pixels[:8] = 0
    found = regions(drawing, "null")
    assert list(map(list, found.prototypes)) == [[1], [5]] and found.ground == "null"
    left, right = found.masks[:, 40]
    assert left[0] == 1 and right[-1] == 1 and 0 < left[31] < 1 and torch.allclose(left + right, torch.ones(64))


def test_a_canvas_costs_what_the_pictures_do_that_hold_as_many_pixels(studio):
    assert worth(studio, Drawing.blank(64, 128)) == 4 * 8 and own_side(studio) == 64


def test_without_a_student_a_sketch_is_made_in_few_steps_and_not_while_the_hand_moves(studio):
    quick = resolved_canvas(studio, sketched(studio, CanvasRequest(halves(), steps=50)))
    assert (quick.steps, quick.guidance, quick.seed) == (PREVIEW, 1.0, 1) and not is_live(studio, halves())


@pytest.mark.parametrize(("side", "live"), [(64, True), (128, False)])
def test_a_student_sketches_in_one_step_and_small_canvases_while_the_hand_moves(studio, side, live):
    taught = replace(studio, pdm=PDMPipeline(tiny_denoiser(), studio.pdm.bank, make_scheduler(), tiny_denoiser()))
    quick = resolved_canvas(taught, sketched(taught, CanvasRequest(Drawing.blank(side, side))))
    assert (quick.steps, quick.sampler, is_live(taught, quick.drawing)) == (1, "student", live)


def test_a_part_is_as_large_as_the_nets_pictures_and_lies_inside(studio):
    request = resolved_canvas(studio, CanvasRequest(halves(), steps=1))
    *_, last = run_canvas(studio, request)
    work = painted(studio, request, last)
    part = part_of(studio, work, 63, 0)
    assert part.shape == (1, 1, 16, 16) and torch.equal(part[0, 0], last.images[0, 0, :16, 48:])
    for x, y in ((64, 0), (0, -1), (1.5, 0), (None, 0)):
        with pytest.raises(ValueError, match="expected a whole number from 0 to 63"):
            part_of(studio, work, x, y)
    with pytest.raises(ValueError, match="canvas: expected a picture of this model on it"):
        part_of(studio, None, 0, 0)


def test_a_drawing_of_another_size_keeps_what_lies_where():
    large = halves().resized(128, 96)
    assert large.pixels.shape == (96, 128) and (large.pixels[:, :64] == 1).all() and (large.pixels[:, 64:] == 2).all()


@pytest.mark.parametrize(("side", "step", "near"), [(101, 8, 104), (64, 8, 64), (1024, 8, 1024), (1023, 10, 1020)])
def test_sides_are_rounded_to_what_the_net_needs(side, step, near):
    assert multiple_of(side, step) == near


def test_a_scene_has_several_regions_of_prototypes_that_are_not_muted(studio):
    muted = apply(studio.base, "mute", {"ids": [0, 1, 2]}, studio.edit_context)[0]
    for seed in range(5):
        made = scene(studio.shown_set(muted), 96, 64, seed)
        assert made.pixels.shape == (64, 96) and len(made.ids) >= 2 and not {0, 1, 2} & {*made.ids}
        check_paintable(studio.shown_set(muted), made.ids)
    first, second = (opening_scene(studio.shown_set()) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)


def test_where_a_model_knows_land_and_water_its_scene_is_a_coast(studio):
    shown_set = studio.shown_set()
    names = ("Sea lake", "Forest", "Residential", "Annual crop")
    classes = {k: names[i % 4] for i, k in enumerate(shown_set.order)}
    land = type(shown_set)(studio, shown_set.prototypes)
    land.__dict__["classes"] = classes
    made = scene(land, 128, 128, 3)
    kinds = [classes[k] for k in made.legend]
    assert kinds[:2] == ["Sea lake", "Residential"] and {*kinds} == {*names}
    numbers = {kind: kinds.index(kind) + 1 for kind in names}
    shares = {kind: float((made.pixels == number).mean()) for kind, number in numbers.items()}
    assert shares["Sea lake"] > 0.1 and shares["Residential"] > 0.01 and shares["Forest"] > 0.05


def test_a_model_of_objects_opens_with_a_mosaic_of_several_classes(studio):
    objects = replace(studio, pdm=PDMPipeline(tiny_denoiser(), studio.pdm.bank, make_scheduler()))
    objects.pdm.register_painting(1.0, "mosaic")
    shown_set = type(studio.shown_set())(objects, studio.base)
    shown_set.__dict__["classes"] = {k: "abc"[k % 3] for k in shown_set.order}
    for seed in range(5):
        made = scene(shown_set, 60, 40, seed)  # the last column and row of its pictures are cut
        assert made.pixels.shape == (40, 60) and len({shown_set.classes[k] for k in made.ids}) == len(made.ids) > 1
        cells = made.pixels[::16, ::16]
        assert np.array_equal(made.pixels, cells.repeat(16, 0).repeat(16, 1)[:40, :60])
