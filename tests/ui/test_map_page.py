"""The map's dots in a real browser: drawn where they belong, found under the pointer, and quick to use."""

import re
import shutil

import pytest
import torch

from pdm.experiments.bench.app_probe import started
from pdm.experiments.bench.browser import map_times, preview_times, renderer
from pdm.map.projection import load_map
from pdm.support.paths import ASSETS
from tests.ui.app_server import started_app
from tests.ui.map_page import PLACES, open_map, wait_done
from tests.ui.page import wait_text

MODEL = "fashion-mnist"
# A digest of the map's pixels.
PIXELS = """() => {
  const c = document.querySelector('#map canvas'), {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  let digest = 0;
  for (let i = 0; i < data.length; i += 4)
    digest = (31 * digest + data[i] + 7 * data[i + 1] + 13 * data[i + 2]) | 0;
  return digest;
}"""
# Red, green and blue of the map at a place of the screen.
COLOUR = """([x, y]) => {
  const c = document.querySelector('#map canvas'), box = c.getBoundingClientRect(), k = c.width / box.width;
  return [...c.getContext('2d').getImageData((x - box.left) * k, (y - box.top) * k, 1, 1).data].slice(0, 3);
}"""
SCREEN = """([x, y]) => {
  const host = document.querySelector('#map .plot'), box = host.getBoundingClientRect();
  const {xaxis, yaxis} = host._fullLayout;
  return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
}"""
RANGES = "(l => [[...l.xaxis.range], [...l.yaxis.range]])(document.querySelector('#map .plot')._fullLayout)"
STARS = "document.querySelector('#map .plot').data.find(t => t.name === 'stars')"
TILE = "getComputedStyle(document.querySelector('#map .card span')).backgroundPosition"


@pytest.fixture
def page(shared_page):
    """One visitor's map."""
    return shared_page(open_map)


@pytest.fixture(scope="module")
def shipped():
    return load_map(ASSETS / MODEL / "map")


def lonely(page, shipped) -> tuple[int, list[float]]:
    """The image with the most room round it, far from every star, and its place on the map."""
    stars = torch.tensor(page.evaluate(f"(t => [[...t.x], [...t.y]])({STARS})")).T
    rows = (torch.cdist(shipped.xy, stars).min(1).values > 0.7).nonzero()[:, 0]
    gaps = torch.cdist(shipped.xy[rows], shipped.xy).topk(2, largest=False).values[:, 1]
    row = int(rows[gaps.argmax()])
    return row, shipped.xy[row].tolist()


def test_while_a_star_is_dragged_the_student_paints_and_the_teacher_once_it_is_dropped(page):
    places = page.evaluate(PLACES)
    page.mouse.move(*places[11])
    page.mouse.down()
    page.mouse.move(*places[50], steps=6)
    page.wait_for_timeout(200)
    page.mouse.move(places[50][0] + 3, places[50][1])  # the strip follows the hand
    wait_text(page, "body", "sketched by the student, 1 step[\\s\\S]*While you drag")
    page.wait_for_function("document.querySelectorAll('#painted .cell').length === 8")
    assert page.evaluate("document.querySelector('#edit-log [aria-current]').textContent") == "Original"
    page.mouse.up()
    wait_done(page, "^moved ")
    wait_text(page, "body", "8 pictures from [^,]+, 10 steps")


def test_a_dot_is_drawn_at_its_place_and_names_the_image_under_the_pointer(page, shipped):
    row, place = lonely(page, shipped)
    name = re.escape(shipped.class_names[int(shipped.labels[row])])
    tile = f"-{row % 100 * 64}px -{row // 100 * 64}px".replace("-0px", "0px")
    shift = (0, 0)
    for _ in range(2):
        x, y = page.evaluate(SCREEN, place)
        red, green, blue = page.evaluate(COLOUR, [x, y])
        assert max(red, green, blue) - min(red, green, blue) > 20  # its class's hue on a grey ground
        page.mouse.move(x, y)
        page.wait_for_function(f"tile => ({TILE}).replaceAll('-0px', '0px') === tile", arg=tile)
        wait_text(page, "#map .card.shown", f"{name}[\\s\\S]*nearest to ")
        if shift == (0, 0):  # dots go with the map
            box, shift = page.locator("#map .plot").bounding_box(), (60, 40)
            page.mouse.move(box["x"] + 15, box["y"] + 15)
            page.mouse.down()
            page.mouse.move(box["x"] + 15 + shift[0], box["y"] + 15 + shift[1], steps=4)
            page.mouse.up()
            page.wait_for_timeout(500)
            assert page.evaluate(SCREEN, place) == pytest.approx([x + shift[0], y + shift[1]], abs=1.5)
    page.mouse.click(*page.evaluate(SCREEN, place))
    wait_text(page, "#star-title", f"{name}[\\s\\S]*A training image")


def test_each_way_to_colour_and_each_layer_draws_another_map(page):
    first, seen = page.evaluate(PIXELS), set()
    for button in ("Prototype", "Usage", "Moved", "Class"):
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_timeout(300)
        seen.add(page.evaluate(PIXELS))
    assert first in seen and len(seen) == 4
    page.locator("#map [data-layer=pictures]").click()
    page.wait_for_function(f"p => ({PIXELS})() !== p", arg=first, timeout=30_000)
    page.locator("#map [data-layer=pictures]").click()
    page.wait_for_function(f"p => ({PIXELS})() === p", arg=first, timeout=30_000)
    page.locator("#map [data-layer=density]").click()
    page.wait_for_selector("#map .contourlayer path, #map .contourlines path", timeout=30_000)
    page.locator("#map [data-least]").fill("50")
    page.wait_for_function(f"{STARS}.x.length < 64", timeout=30_000)
    page.locator("#map [data-zoom=fit]").click()
    page.wait_for_timeout(400)
    fitted, box = page.evaluate(RANGES), page.locator("#map .plot").bounding_box()
    for step in range(100):  # wheel and Fit, at one place and another, as far as it goes both ways
        if step % 20 == 0:
            page.mouse.move(box["x"] + 100 + step, box["y"] + 100 + step)
        page.mouse.wheel(0, -300 if step % 50 < 30 else 300)
        if step % 35 == 34:
            page.locator("#map [data-zoom=fit]").click()
            page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.wait_for_timeout(300)
    (left, right), _ = page.evaluate(RANGES)
    assert 0.02 < (right - left) / (fitted[0][1] - fitted[0][0]) < 2.3
    page.locator("#map [data-zoom=fit]").click()
    page.wait_for_function(f"r => JSON.stringify({RANGES}) === JSON.stringify(r)", arg=fitted, timeout=30_000)


def test_a_dragged_star_is_timed_to_its_finished_pictures(browser, tmp_path):
    page = browser.new_page(viewport={"width": 1360, "height": 950}, reduced_motion="reduce")
    with started_app(tmp_path) as url:  # of its own: behind other visitors' paintings the two come together
        page.goto(f"{url}/#generate")
        times = preview_times(page, drags=1, student=True)
    page.close()
    assert 0 < times["edits.preview_s"] < times["edits.final_s"] < 60


def test_a_large_map_is_timed_from_the_server_to_the_screen(browser):
    assert shutil.which("chromium")
    page = browser.new_page(viewport={"width": 1360, "height": 950}, reduced_motion="reduce")
    with started("-m", "pdm.ui.map_probe", MODEL, "--points", "20000") as server:
        page.goto(server.url)
        times = map_times(page, moves=10)
    assert 0 < times["map.paint_s"] < 30 and times["map.frame_ms"] == max(times["map.hover_ms"], times["map.pan_ms"])
    assert renderer(page)["software"]  # as the fixture asks for
    page.close()
