"""The canvas in a real browser: painted on with mouse, touch and keys, undone, kept, downloaded and opened again."""

import io
import json
import re

import pytest
from PIL import Image

from pdm.pipelines.recipe import PNG_KEY
from tests.ui.page import PHONE, WAIT, tab, wait_text

SHOWN = "document.querySelector('#canvas [data-shown]')?.dataset.shown || ''"
STROKES = "document.querySelector('#canvas .strokes').toDataURL()"
USED = "[...document.querySelectorAll('#canvas .used button')].map(b => b.title)"


def open_canvas(page):
    """The tab with a picture on its canvas."""
    tab(page, "Canvas")
    page.wait_for_function(f"/^(shown|final)/.test({SHOWN})", timeout=WAIT)
    return page


def strokes(page):
    """What is painted, as the page shows it."""
    return page.evaluate(STROKES)


def place(page, x, y):
    """Where a place of the canvas, in shares of its sides, is on the screen."""
    box = page.locator("#canvas .strokes").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def choose(page, name):
    page.locator("#canvas .list").get_by_role("button", name=name, exact=True).click()


def with_mouse(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=6)
    page.mouse.up()


def with_finger(page, *fingers):
    """Fingers that touch at once, each going through its places."""
    device = page.context.new_cdp_session(page)
    for step in range(len(fingers[0])):
        points = [dict(zip("xy", place(page, *f[step]), strict=True), id=i) for i, f in enumerate(fingers)]
        device.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": points})
    device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def wait_final(page):
    page.wait_for_function(f"({SHOWN}).startsWith('final')", timeout=WAIT)


@pytest.fixture
def canvas(shared_page):
    """One visitor's canvas for the tests that follow one another."""
    return shared_page(open_canvas)


def test_three_strokes_are_sketched_and_painted_and_the_keyboard_undoes_them(canvas):
    page, looks = canvas, [strokes(canvas)]
    for name, paint in (
        ("Bag 1", lambda: with_mouse(page, (0.2, 0.2), (0.6, 0.3))),
        ("Boot 1", lambda: with_finger(page, [(0.3, 0.6), (0.4, 0.7), (0.6, 0.7)])),
        ("Coat 1", lambda: with_mouse(page, (0.8, 0.2), (0.8, 0.8))),
    ):
        choose(page, name)
        paint()
        page.wait_for_function(f"n => ({USED}).includes(n)", arg=name, timeout=WAIT)
        looks.append(strokes(page))
    assert len({*looks}) == 4
    wait_final(page)
    wait_text(page, "#canvas-status", r"128 × 128 pixels, 10 steps in .* Seed 1\.")
    for before in looks[2::-1]:
        page.keyboard.press("Control+z")
        assert strokes(page) == before
    assert page.locator("#canvas [data-do=undo]").is_disabled()
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    assert strokes(page) == looks[3]


def test_two_fingers_zoom_and_paint_nothing(canvas):
    page, before = canvas, strokes(canvas)
    wide = page.locator("#canvas .strokes").bounding_box()["width"]
    with_finger(page, [(0.45, 0.5), (0.4, 0.5), (0.3, 0.5)], [(0.55, 0.5), (0.6, 0.5), (0.7, 0.5)])
    assert page.locator("#canvas .strokes").bounding_box()["width"] > 1.5 * wide and strokes(page) == before
    page.get_by_role("button", name="Fit", exact=True).click()
    box = "document.querySelector('#canvas .strokes').getBoundingClientRect()"
    page.wait_for_function(f"wide => Math.abs({box}.width - wide) < 1", arg=wide)


def test_fill_eraser_and_clear_change_what_they_should_and_a_switch_hides_it(canvas):
    page, before = canvas, strokes(canvas)
    choose(page, "Bag 1")
    page.keyboard.press("f")
    page.mouse.click(*place(page, 0.8, 0.5))
    filled = strokes(page)
    page.keyboard.press("e")
    with_mouse(page, (0.1, 0.1), (0.2, 0.1))
    erased = strokes(page)
    page.get_by_role("button", name="Clear", exact=True).click()
    assert len({before, filled, erased, strokes(page)}) == 4 and page.evaluate(USED) == []
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert strokes(page) == before
    page.keyboard.press("h")
    page.wait_for_function("getComputedStyle(document.querySelector('#canvas .strokes')).opacity === '0'")
    page.keyboard.press("h")
    page.keyboard.press("b")


def test_with_the_keyboard_alone_one_can_paint(canvas):
    page, before = canvas, strokes(canvas)
    page.locator("#canvas .frame").focus()
    choose(page, "Boot 1")
    page.locator("#canvas .frame").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    assert strokes(page) != before
    page.keyboard.press("Control+z")
    assert strokes(page) == before


def test_a_reload_and_a_file_bring_the_drawing_back_and_nobody_else_sees_it(canvas, visit, tmp_path):
    page, drawn = canvas, strokes(canvas)
    wait_final(page)
    with page.expect_download() as download:
        page.click("#canvas-save")
    path = tmp_path / "canvas.png"
    download.value.save_as(path)
    image = Image.open(io.BytesIO(path.read_bytes()))
    values = json.loads(image.info[PNG_KEY])
    assert image.size == (128, 128) and values["model"] == "fashion-mnist" and len(values["canvas"]["legend"]) >= 3
    page.reload()
    page.wait_for_selector("#canvas .strokes", timeout=WAIT)
    tab(page, "Canvas")
    page.wait_for_function(f"d => ({STROKES}) === d", arg=drawn, timeout=WAIT)
    wait_final(page)
    other = open_canvas(visit())
    assert strokes(other) != drawn
    with other.expect_file_chooser() as chooser:
        other.click("#canvas-load")
    chooser.value.set_files(str(path))
    other.wait_for_function(f"d => ({STROKES}) === d", arg=drawn, timeout=WAIT)
    assert other.locator("#canvas-history .cell").count() == 2


def test_surprise_another_size_and_another_picture(canvas):
    page, before = canvas, strokes(canvas)
    page.click("#surprise")
    page.wait_for_function(f"d => ({STROKES}) !== d", arg=before, timeout=WAIT)
    wait_final(page)
    page.locator("#canvas-size input").click()
    page.get_by_role("option", name="256 × 128, wide").click()
    page.wait_for_function("document.querySelector('#canvas .strokes').width === 256", timeout=WAIT)
    wait_text(page, "#canvas-status", r"256 × 128 pixels, .* Seed 1\.")
    page.click("#canvas-another")
    wait_text(page, "#canvas-status", r"256 × 128 pixels, .* Seed (?!1\.)")


def test_a_place_of_the_canvas_is_looked_for_on_the_map(canvas):
    page = canvas
    page.keyboard.press("w")
    page.mouse.click(*place(page, 0.5, 0.5))
    wait_text(page, "#star-title", "A part of your canvas")
    tab(page, "Canvas")


def test_a_picture_that_was_made_and_one_of_ones_own_are_painted_on(canvas, tmp_path):
    page = canvas
    tab(page, "Generate")
    page.click("#edit-made")
    page.wait_for_function(f"({SHOWN}).startsWith('shown')", timeout=WAIT)
    assert page.evaluate("document.querySelector('#canvas .strokes').width") == 32 and page.evaluate(USED) == []
    choose(page, "Bag 1")
    with_mouse(page, (0.2, 0.2), (0.8, 0.2))
    wait_final(page)
    wait_text(page, "#canvas-status", "32 × 32 pixels")
    page.get_by_text("Your picture", exact=True).click()
    page.wait_for_selector("#own-mix .row", timeout=WAIT)
    path = tmp_path / "mine.png"
    Image.new("RGBA", (300, 150), (200, 30, 30, 255)).save(path)
    page.locator("#own-upload input[type=file]").set_input_files(str(path))
    page.wait_for_function("document.querySelector('#canvas .strokes').height === 64", timeout=WAIT)


def test_on_a_phone_the_palette_lies_under_the_canvas_and_nothing_is_wider(visit):
    page = open_canvas(visit(PHONE))
    frame, palette = page.evaluate(  # at once, as the line over them comes and goes
        "['frame', 'side'].map(name => document.querySelector(`#canvas .${name}`).getBoundingClientRect().toJSON())"
    )
    assert frame["bottom"] <= palette["top"] and frame["width"] > 320
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    before = strokes(page)
    page.locator("#canvas .list button").nth(30).click()
    page.locator("#canvas .frame").scroll_into_view_if_needed()
    with_finger(page, [(0.3, 0.3), (0.5, 0.5), (0.7, 0.5)])
    assert strokes(page) != before
    page.wait_for_function(f"/^(sketch|final)/.test({SHOWN})", timeout=WAIT)
    assert re.match("sketch|step|final", page.evaluate(SHOWN))
