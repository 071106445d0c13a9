"""The app with a model that paints latents: opened from its folder, painted, previewed, drawn on and explained."""

import numpy as np
import pytest
import torch

from pdm.app import previews
from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, grid_of, own_side, part_of, resolved_canvas, run_canvas
from pdm.app.canvas_painting import painted as kept
from pdm.app.library import load_studio
from pdm.app.own_picture import own_picture
from pdm.app.painting import explained, run
from pdm.app.previews import Shown
from pdm.app.requests import Request, resolved
from pdm.app.seen_picture import seen
from pdm.data.images import to_pil
from pdm.map.projection import PrototypeMap, save_map
from pdm.model.encoders import embed_all
from pdm.sampling.solvers import Step
from tests.latents import SIDE, latent_pdm
from tests.tiny import SIZE, banded


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "latent"
    pipeline, data = latent_pdm(student=True), banded(channels=3, size=SIZE)
    pipeline.save_pretrained(folder / "pdm")
    features = embed_all(pipeline.bank.encode, data.images).detach()
    xy = features[:, :2].contiguous()
    save_map(PrototypeMap("banded", data.class_names, xy, features, data.labels, data.images), folder / "map")
    return load_studio(folder, device=torch.device("cpu"), dtype=torch.float32)


def requested(studio, **options) -> Request:
    return resolved(studio, Request("pdm", **{"count": 2, "seed": 3, **options}))


def test_it_paints_pictures_in_full_size_and_previews_on_the_way(studio):
    frames = list(run(studio, requested(studio, prototypes=(1,), weights=(1.0,), steps=3)))
    assert [f.images.shape for f in frames] == [(2, 3, SIDE, SIDE)] * 3 and frames[-1].done
    expected = studio.pdm(
        prototypes=[1], num_images=2, generator=[torch.Generator().manual_seed(s) for s in (3, 4)],
        num_inference_steps=3, output_type="pt",
    ).images  # fmt: skip
    assert (frames[-1].images.int() - expected.int()).abs().max() <= 1
    by_student = list(run(studio, requested(studio, steps=2)))
    assert by_student[-1].images.shape == (2, 3, SIDE, SIDE)


def test_previews_are_decoded_as_often_as_that_costs_a_quarter_of_the_time(studio, monkeypatch):
    clock, decoded = [0.0], []
    monkeypatch.setattr(previews.time, "perf_counter", lambda: clock[0])

    def pictures(clean, ready, *, glimpse):
        clock[0] += 1.0  # second
        decoded.append(glimpse)
        return clean

    monkeypatch.setattr(studio.pdm, "pictures", pictures, raising=False)
    shown = Shown(studio, studio.pdm, None)
    for i in range(8):
        clock[0] += 0.9
        shown.on_the_way(Step(i, 9, torch.zeros(1)))
    assert decoded == [True, True] and shown.last(Step(8, 9, torch.ones(1))).item() == 1
    assert decoded == [True, True, False]


def test_a_drawing_has_its_sizes_in_pixels_and_its_picture_is_decoded(studio):
    assert (own_side(studio), grid_of(studio)) == (4 * SIDE, 16)
    pixels = np.ones((64, 96), np.uint8)
    pixels[:, 48:] = 2
    request = resolved_canvas(studio, CanvasRequest(Drawing((1, 5), pixels), steps=2))
    *_, last = run_canvas(studio, request)
    work = kept(studio, request, last)
    assert work.image.shape == (3, 64, 96) and part_of(studio, work, 50, 20).shape == (1, 3, SIDE, SIDE)
    with pytest.raises(ValueError, match="multiple of 16, got 72"):
        resolved_canvas(studio, CanvasRequest(Drawing((1,), np.ones((64, 72), np.uint8))))


@pytest.mark.parametrize("mode", ["keep", "kind"])
def test_a_picture_of_ones_own_lies_under_a_drawing(studio, mode):
    picture = to_pil(banded(channels=3, size=64).images[0])
    own = own_picture(studio, picture, None).in_mode(studio, mode)
    request = resolved_canvas(studio, CanvasRequest(Drawing.blank(64, 64), steps=2, own=own))
    *_, last = run_canvas(studio, request)
    same = torch.from_numpy(np.asarray(picture).transpose(2, 0, 1).copy())
    assert torch.equal(last.images[0], same) == (mode == "keep")


def test_an_uploaded_picture_is_seen_as_features_are_and_painted_ones_are_placed(studio):
    picture = seen(studio, to_pil(banded(channels=3, size=64).images[0]))
    assert picture.shape == (1, 3, SIZE, SIZE)
    large = banded(1, channels=3, size=SIDE).images
    assert studio.features(large).shape == (4, 16)
    found = explained(studio, requested(studio, prototypes=(1, 2), weights=(0.5, 0.5), steps=2), 0)
    assert found.timeline.shape == (2, 3, SIDE, SIDE)
