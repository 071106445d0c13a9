"""Your picture under the canvas: what stays, what is painted over, what it becomes, and where it comes from."""

import base64
import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import CanvasRequest, resolved_canvas, run_canvas
from pdm.app.own_picture import OwnPicture, own_picture
from pdm.pipelines.recipe import read_keep
from pdm.pipelines.start import OTHER_KIND_GUIDANCE, other_kind_strength
from pdm.pipelines.start_recipe import picture_digest
from pdm.ui.canvas.works import Works, from_kept
from pdm.ui.shared.canvas_files import canvas_recipe, opened_png, packed_png
from pdm.ui.shared.session import VisitorSets
from tests.ui.test_canvas_tab import page, quick, rest, sent, text  # noqa: F401 - fixtures


def picture(width=64, height=64, mode="L"):
    random = np.random.default_rng(1)
    small = Image.fromarray(random.integers(0, 256, (8, 8), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def half(width=64, height=64):
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, width // 2 :] = 1
    return Drawing((3,), pixels)


def put(page, image, of=None):  # noqa: F811
    return page[1].own.on_upload(VisitorSets(), "quick", of or text(), image)


def final(studio, request):
    *_, last = run_canvas(studio, resolved_canvas(studio, request))
    return last.images[0].numpy()


def test_what_is_not_painted_over_stays_to_the_pixel_and_the_rest_does_not(studio):
    own = own_picture(studio, picture(), None)
    shown, made = own.cut(studio, half()), final(studio, CanvasRequest(half(), steps=4, own=own))
    difference = np.abs(made.astype(int) - shown)
    assert difference[:, :, :32].max() <= 2 and difference[:, :, 40:].mean() > 10
    over = final(studio, CanvasRequest(half(), steps=4, own=own.in_mode(studio, "over")))
    assert np.abs(over.astype(int) - shown)[:, :, :32].mean() > 2


def test_nothing_painted_gives_the_picture_back(studio):
    own = own_picture(studio, picture(), None)
    made = final(studio, CanvasRequest(Drawing.blank(64, 64), steps=3, own=own))
    assert np.abs(made.astype(int) - own.cut(studio, half())).max() <= 2


def test_as_other_prototypes_it_starts_from_its_own_noise(studio):
    own = own_picture(studio, picture(), None).in_mode(studio, "kind")
    assert own.strength == other_kind_strength(16, 1)
    first = final(studio, CanvasRequest(Drawing.blank(64, 64), steps=10, own=own))
    other = final(studio, CanvasRequest(Drawing.blank(64, 64), steps=10, own=own, seed=9))
    assert np.array_equal(first, other)  # the noise is the picture's, and no seed's


def test_a_picture_is_turned_upright_made_smaller_and_laid_on_the_data_sets_ground(studio):
    image = Image.new("RGBA", (2000, 1000), (255, 255, 255, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.new("RGB", (40, 20))
    turned.info["exif"] = exif.tobytes()
    own = own_picture(studio, image, None)
    assert own.image.size == (1024, 512) and own.image.mode == "L" and own.image.getextrema() == (0, 0)
    assert own_picture(studio, turned, None).image.size == (20, 40)
    assert sum(own.weights) == pytest.approx(1, abs=1e-3) and own.model == "tiny"


def test_what_the_browser_keeps_of_a_picture_is_that_picture(studio):
    own = own_picture(studio, picture(), None).in_mode(studio, "over")
    again = OwnPicture.unpacked(json.loads(json.dumps(own.packed(400_000))))
    assert again.image.tobytes() == own.image.tobytes() and vars(again)["mode"] == "over" and again.ids == own.ids
    assert own.packed(10) is None
    for values in (
        None,
        {},
        {"image": "x"},
        own.packed(400_000) | {"mode": "x"},
        own.packed(400_000) | {"strength": 0},
    ):
        with pytest.raises(ValueError, match="expected"):
            OwnPicture.unpacked(values)


def test_a_picture_that_is_dropped_in_lies_under_an_empty_canvas_of_its_shape(page, quick):  # noqa: F811
    tab = page[1]
    views = put(page, picture(200, 100))
    shown = sent(views[tab.view])
    assert (shown["scene"]["width"], shown["scene"]["height"], shown["scene"]["legend"]) == (64, 32, [])
    wide = sent(put(page, picture(200, 100), text(width=128, height=128))[tab.view])
    assert (wide["scene"]["width"], wide["scene"]["height"]) == (128, 64)
    assert shown["picture"]["kind"] == "shown" and not shown["scene"]["paint"]
    own = views[tab.painting.own]
    assert [item["id"] for item in views[tab.own.mixer]["items"]] == list(own.ids)
    assert set(views) <= {*tab.own.put}
    gone = put(page, None)
    assert gone[tab.painting.own] is None and set(gone) == {*tab.own.outputs}


def test_its_mode_strength_and_mix_change_and_are_checked(page):  # noqa: F811
    tab = page[1]
    own = put(page, picture())[tab.painting.own]
    here = (VisitorSets(), "quick", text())
    views = tab.own.on_mode(*here, own, "kind")
    assert views[tab.settings.guidance] == OTHER_KIND_GUIDANCE and views[tab.painting.own].mode == "kind"
    assert tab.own.on_strength(*here, own, 0.5)[tab.painting.own].strength == 0.5
    mixed = tab.own.on_mix(*here, own, SimpleNamespace(ids=[1, 2], weights=[1, 0.5]))[tab.painting.own]
    assert (mixed.ids, mixed.weights) == ((1, 2), (1.0, 0.5))
    other = tab.own.on_other(*here, mixed, 5)[tab.painting.own]
    assert (other.ids, other.weights) == ((5, 1, 2), (1.0, 0.0, 0.0))
    dropped = tab.own.on_drop(*here, other, SimpleNamespace(id=1))[tab.painting.own]
    assert dropped.ids == (5, 2)
    for wrong in (
        lambda: tab.own.on_mode(*here, own, "x"),
        lambda: tab.own.on_strength(*here, own, 0),
        lambda: tab.own.on_strength(*here, own, "x"),
        lambda: tab.own.on_other(*here, own, 99),
        lambda: tab.own.on_mix(*here, own, SimpleNamespace(ids=[1], weights=[1, 2])),
        lambda: tab.own.on_mix(*here, own, SimpleNamespace(ids=[1], weights=[float("nan")])),
        lambda: tab.own.on_mode(*here, None, "kind"),
        lambda: tab.own.on_drop(*here, None, SimpleNamespace(id=1)),
    ):
        with pytest.raises(gr.Error, match="expected"):
            wrong()


def test_a_picture_sent_from_another_tab_is_there_when_the_canvas_is_opened(page, quick):  # noqa: F811
    tab = page[1]
    own = tab.own.taken(quick, VisitorSets(), picture(16, 16))[tab.painting.own]
    views = tab.on_open(VisitorSets(), "quick", None, own, {}, Works())
    shown = sent(views[tab.view])
    assert shown["scene"]["width"] == 32  # no smaller than any net's pictures, though this one's are
    assert shown["scene"]["legend"] == [] and shown["picture"]["kind"] == "shown" and "palette" in shown
    assert views[tab.painting.own] is own
    painted = rest(tab, of=text(legend=(1, 2)), own=own)
    assert painted[-1][tab.latest].request.own is own


def test_it_is_kept_by_the_browser_and_named_in_the_file(page, quick, tmp_path):  # noqa: F811
    tab = page[1]
    own = put(page, picture())[tab.painting.own]
    *_, last = rest(tab, own=own)
    kept = json.loads(json.dumps(last[tab.painting.kept]))
    assert from_kept(kept, quick)[1].image.tobytes() == own.image.tobytes()
    work, path = last[tab.latest], tmp_path / "a.png"
    recipe = canvas_recipe(work)
    assert recipe.start.ground == picture_digest(own.image) and recipe.start.keep
    assert recipe.canvas.ground == (own.ids, own.weights)
    path.write_bytes(base64.b64decode(packed_png(work, False)["data"]))
    for there, missing in ((None, True), (own, False)):
        again, said = opened_png(quick, None, path, there)
        assert said is missing and (again.request.own is None) is missing
    assert again.request.own.image is own.image and again.request.own.mode == "keep"
    assert (read_keep(path) == own.kept(work.request.drawing)).float().mean() > 0.9
    assert torch.from_numpy(again.image).shape == (1, 64, 64)
