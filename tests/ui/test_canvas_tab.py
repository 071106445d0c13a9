"""The Canvas tab's handlers, called as its events call them: what they paint, keep and refuse."""

import base64
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import PREVIEW
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.ui.canvas.tab import CanvasTab
from pdm.ui.canvas.works import MAX_PIXELS, MAX_WORKS, Works
from pdm.ui.guard.turns import GATED
from pdm.ui.shared.opening import Openings
from pdm.ui.shared.session import VisitorSets
from tests.one_model import OneModel
from tests.tiny import tiny_denoiser

HERE = SimpleNamespace(session_hash="visitor", request=None)
SETTINGS = (2, 1.0, 7, "table", False)  # steps, guidance, seed, ground, tileable


@pytest.fixture(scope="module")
def quick(bank, studio):
    """A model with a student."""
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler(), student=tiny_denoiser(1))
    pipeline.set_progress_bar_config(disable=True)
    return replace(studio, name="quick", pdm=pipeline)


@pytest.fixture(scope="module")
def page(quick):
    """The tab on a page of its own: the blocks and the tab."""
    with gr.Blocks() as blocks:
        sets, model = gr.State(VisitorSets()), gr.Dropdown([quick.name], value=quick.name)
        kept = gr.BrowserState({}, storage_key="canvas", secret="canvas")
        tab = CanvasTab(Openings(OneModel(quick)), sets, model, kept)
    return blocks, tab


def text(n=1, model="quick", legend=(1, 5), **size):
    """What the view holds: two halves."""
    pixels = np.ones((size.get("height", 64), size.get("width", 64)), np.uint8)
    pixels[:, pixels.shape[1] // 2 :] = 2
    return json.dumps({**Drawing(legend, pixels).packed(), "model": model, "n": n})


def sent(view):
    """What an update of the view sends, out of its JSON."""
    return {k: json.loads(v) for k, v in view.items() if k in ("palette", "scene", "picture")}


def rest(tab, of=None, settings=SETTINGS, works=None, own=None):
    asked = (VisitorSets(), "quick", of or text(), own, works or Works(), {}, 0, *settings, HERE)
    return list(tab.painting.on_rest(*asked))


def test_what_runs_a_net_waits_for_its_turn(page):
    events = [e for e in page[0].fns.values() if e.name in ("on_sketch", "on_rest", "on_another")]
    assert len(events) == 14 and all(hasattr(e.fn, GATED) for e in events)


def test_a_canvas_opens_with_a_scene_which_is_painted_at_once_where_it_is_not_there_yet(page, quick):
    tab = page[1]
    views = tab.on_open(VisitorSets(), "quick", "null", None, {}, Works())
    shown = sent(views[tab.view])
    assert shown["scene"]["paint"] and "picture" not in shown
    assert len(shown["palette"]["items"]) == 8 and shown["palette"]["live"] and shown["palette"]["side"] == 16
    tab.openings.paint_canvas("quick")
    views = tab.on_open(VisitorSets(), "quick", "null", None, {}, Works())
    there = sent(views[tab.view])
    assert not there["scene"]["paint"] and there["picture"]["kind"] == "shown"
    assert {k: v for k, v in there["scene"].items() if k not in ("paint", "revision")} == {
        k: v for k, v in shown["scene"].items() if k not in ("paint", "revision")
    }
    assert len(views[tab.works].painted) == 1 and tab.painting.kept not in views
    assert set(views) <= {*tab.sent}


def test_a_canvas_that_shows_something_gets_new_prototypes_and_keeps_its_drawing(page, quick):
    tab = page[1]
    muted = apply(quick.base, "mute", {"ids": [2]}, quick.edit_context)[0]
    sets = VisitorSets().put(quick, VisitorSets().history(quick).do("muted", muted))
    views = tab.on_open(sets, "quick", text(), None, {}, Works())
    assert {*views} == {tab.view} and {*sent(views[tab.view])} == {"palette"}
    assert 2 not in [item["id"] for item in sent(views[tab.view])["palette"]["items"]]
    assert "scene" in sent(tab.on_open(sets, "quick", text(model="another"), None, {}, Works())[tab.view])


def test_a_sketch_is_the_students_and_the_picture_is_the_denoisers(page):
    tab = page[1]
    asked = VisitorSets(), "quick", text(n=3), None, None, {}, 10, 1.0, 7, "table", False
    views = tab.painting.on_sketch(*asked)
    shown = sent(views[tab.view])["picture"]
    assert (shown["kind"], shown["n"]) == ("sketch", 3) and shown["url"].startswith("data:image/jpeg")
    assert views[tab.latest].request.sampler == "student" and "student" in views[tab.line]
    assert views[tab.latest].request.steps == 1
    *_, last = rest(tab, settings=(3, 1.0, 7, "table", False))
    shown, work = sent(last[tab.view])["picture"], last[tab.latest]
    assert (shown["kind"], shown["n"]) == ("final", 1) and shown["url"].startswith("data:image/png")
    assert work.request.sampler == "dpm++2m" and last[tab.works].painted == (work,) and "Seed 7" in last[tab.line]
    assert set(last) == {*tab.painting.outputs}


def test_on_a_mosaic_a_sketch_and_its_picture_paint_the_cells_under_the_brush_alone(quick, monkeypatch):
    mosaic = PDMPipeline(quick.pdm.denoiser, quick.pdm.bank, make_scheduler(), tiling="mosaic")
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([quick.name], value=quick.name)
        kept = gr.BrowserState({}, storage_key="canvas", secret="canvas")
        tab = CanvasTab(Openings(OneModel(replace(quick, pdm=mosaic))), sets, model, kept)
    opened = sent(tab.on_open(VisitorSets(), "quick", "null", None, {}, Works())[tab.view])
    assert opened["palette"]["brush"] == 1 / 4 and opened["palette"]["live"]
    *_, first = rest(tab)
    asked, net = [], mosaic.denoiser.forward
    monkeypatch.setattr(mosaic.denoiser, "forward", lambda x, *more: asked.append(len(x)) or net(x, *more))
    drawn = json.dumps({**json.loads(text()), **_stroked()})
    views = tab.painting.on_sketch(VisitorSets(), "quick", drawn, None, first[tab.latest], {}, *SETTINGS)
    assert asked == [2] * PREVIEW and not (views[tab.latest].image[:, 16:] != first[tab.latest].image[:, 16:]).any()
    asked.clear()
    *_, last = rest(tab, of=drawn, works=first[tab.works])
    assert asked == [2] * SETTINGS[0] and len(last[tab.works].painted) == 2


def _stroked():
    """The drawing of `text` with a stroke of a third prototype over its first two cells."""
    pixels = Drawing.unpacked(json.loads(text())).pixels.copy()
    pixels[4:9, 4:25] = 3
    return Drawing((1, 5, 6), pixels).packed()


def test_a_hand_on_the_canvas_ends_what_was_painted_for_it_before(page):
    tab = page[1]
    tab.painting.on_hand(SimpleNamespace(n=5), HERE)
    try:
        assert rest(tab, of=text(n=4)) == []
        assert rest(tab, of=text(n=5))
        tab.painting.on_hand(SimpleNamespace(n="9" * 5000), HERE)
        assert rest(tab, of=text(n=5))
    finally:
        tab.painting.hands = type(tab.painting.hands)()


def test_another_picture_has_another_seed_which_the_settings_show(page):
    tab = page[1]
    first, *_, last = tab.painting.on_another(VisitorSets(), "quick", text(), None, Works(), {}, 0, *SETTINGS, HERE)
    assert last[tab.latest].request.seed == first[tab.settings.seed] != 7


def test_the_browser_brings_the_drawing_and_its_settings_back(page):
    tab = page[1]
    *_, last = rest(tab, settings=(3, 1.0, 11, "null", True))
    kept = json.loads(json.dumps(last[tab.painting.kept]))
    views = tab.on_open(VisitorSets(), "quick", None, None, kept, Works())
    scene = sent(views[tab.view])["scene"]
    assert scene["paint"] and {k: scene[k] for k in ("width", "legend", "runs")} == {
        k: json.loads(text())[k] for k in ("width", "legend", "runs")
    }
    settings = tab.settings
    brought = [views[c] for c in (settings.steps, settings.seed, settings.ground, settings.tileable)]
    assert brought == [3, 11, "null", True] and set(views) <= {*tab.sent}
    other = {"quick": {**kept["quick"], **Drawing.blank(66, 64).packed()}}  # sides that this net does not paint
    resized = sent(tab.on_open(VisitorSets(), "quick", None, None, other, Works())[tab.view])["scene"]
    assert (resized["width"], resized["height"]) == (64, 64)
    for broken in ({"quick": {"width": 5}}, {"quick": 7}, [], "x", {"quick": {**kept["quick"], "runs": "%"}}):
        assert "palette" in sent(tab.on_open(VisitorSets(), "quick", None, None, broken, Works())[tab.view])


def test_a_png_that_was_downloaded_goes_on_as_it_was(page, tmp_path):
    tab = page[1]
    *_, last = rest(tab, settings=(3, 1.0, 11, "null", False))
    for handler, size in ((tab.on_save, (64, 64)), (tab.on_save_large, (2048, 2048))):
        file = handler(last[tab.latest])
        data = base64.b64decode(file["data"])
        assert file["name"] == f"quick-canvas-{size[0]}x{size[1]}-11.png"
        assert Image.open(io.BytesIO(data)).size == size
        path = tmp_path / file["name"]
        path.write_bytes(data)
        views = tab.on_load(VisitorSets(), "quick", str(path), None, Works(), {})
        work = views[tab.latest]
        assert work.request.drawing.packed() == last[tab.latest].request.drawing.packed()
        assert (work.request.seed, work.request.steps, work.request.ground) == (11, 3, "null")
        assert sent(views[tab.view])["scene"]["legend"] == [1, 5] and views[tab.settings.seed] == 11
        if size == (64, 64):
            assert np.array_equal(work.image, last[tab.latest].image)


def test_what_is_no_png_of_a_canvas_is_refused_in_one_line(page, tmp_path):
    tab, path = page[1], tmp_path / "a.png"
    *_, last = rest(tab)
    for write, message in (
        (lambda: Image.new("RGB", (64, 64)).save(path), "picture: expected a PNG that was downloaded from a canvas"),
        (lambda: path.write_text("no picture"), "picture: expected PNG"),
    ):
        write()
        with pytest.raises(gr.Error, match=message):
            tab.on_load(VisitorSets(), "quick", str(path), None, Works(), {})
    path.write_bytes(base64.b64decode(tab.on_save(replace(last[tab.latest], model="other"))["data"]))
    with pytest.raises(gr.Error, match="picture: expected one of the model quick, got one of 'other'"):
        tab.on_load(VisitorSets(), "quick", str(path), None, Works(), {})
    with pytest.raises(gr.Error, match="canvas: expected a picture on it"):
        tab.on_save(None)


def test_another_size_is_rounded_and_keeps_what_lies_where(page, monkeypatch):
    tab, told = page[1], []
    monkeypatch.setattr(gr, "Info", told.append)
    views = tab.on_size("quick", text(), "256x128")
    scene = sent(views[tab.view])["scene"]
    assert (scene["width"], scene["height"]) == (256, 128) and scene["paint"] and not told
    views = tab.on_sides("quick", text(), 101.0, 67.0)
    assert views[tab.settings.width] % 2 == 0 and told and "multiples of" in told[0]
    for width in (63, 1025, None, float("nan"), "x"):
        with pytest.raises(gr.Error, match="width: expected a number from 64 to 1024"):
            tab.on_sides("quick", text(), width, 64)
    with pytest.raises(gr.Error, match="expected"):
        tab.on_size("quick", text(), "64")


def test_earlier_pictures_come_back_with_their_drawings(page):
    tab = page[1]
    *_, first = rest(tab)
    *_, second = rest(tab, of=text(legend=(2, 3)), works=first[tab.works], settings=(2, 1.0, 8, "table", False))
    works = second[tab.works]
    views = tab.on_recall(VisitorSets(), "quick", works, {}, SimpleNamespace(id=1))
    assert sent(views[tab.view])["scene"]["legend"] == [1, 5] and views[tab.settings.seed] == 7
    for index in (-1, 2, 1.0, None, True):
        with pytest.raises(gr.Error, match="history: expected 0 to 1"):
            tab.on_recall(VisitorSets(), "quick", works, {}, SimpleNamespace(id=index))
    with pytest.raises(gr.Error, match="another model"):
        tab.on_recall(VisitorSets(), "other", works, {}, SimpleNamespace(id=0))


def test_a_visit_remembers_few_pictures_and_fewer_large_ones(page):
    *_, last = rest(page[1])
    work, works = last[page[1].latest], Works()
    for _ in range(20):
        works = works.made(work)
    assert len(works.painted) == MAX_WORKS
    large = replace(work, image=np.zeros((1, 1024, 1024), np.uint8))
    for _ in range(6):
        works = works.made(large)
    assert len(works.painted) == MAX_PIXELS // 1024**2


def test_wrong_values_are_refused_in_one_line_before_anything_is_painted(page):
    tab = page[1]
    for of, message in (
        (None, "canvas: expected a drawing"),
        (text(legend=(1, 99)), "prototypes: expected ids of this set"),
        (text().replace('"width": 64', '"width": 65'), "mask: expected 65 x 64 pixels"),
    ):
        for work in (tab.painting.on_rest, tab.painting.on_another):
            with pytest.raises(gr.Error, match=message):
                list(work(VisitorSets(), "quick", of, None, Works(), {}, 0, *SETTINGS, HERE))
        with pytest.raises(gr.Error, match=message):
            tab.painting.on_sketch(VisitorSets(), "quick", of, None, None, {}, *SETTINGS)
    with pytest.raises(gr.Error, match="steps: expected"):
        rest(tab, settings=(0, 1.0, 7, "table", False))


def test_the_price_is_that_of_as_many_pictures_whatever_is_sent(page):
    painting, of = page[1].painting, text(width=128, height=64)
    assert painting._price(None, "quick", of, None, None, None, 0, 10, 1) == 32 * 10
    assert painting._price(None, "unknown", of, None, None, None, 0, 10, 1) == 8 * 10
    for wrong in (None, 5, "{", '{"width": []}', '{"width": 1e999, "height": 64}', "[" * 100_000):
        assert painting._price(None, "quick", wrong, None, None, None, 0, 10, 1) == 1
