"""The model that a visitor meets first, in a real browser: the app with no options, its map, and its canvas."""

import pytest

from tests.ui.app_server import started_app
from tests.ui.conftest import watch
from tests.ui.map_page import PLACES, SHEET
from tests.ui.page import WAIT, WIDE, tab

SHOWN = "document.querySelector('#canvas [data-shown]')?.dataset.shown || ''"
# The pixels of a cell of the canvas's 4 x 4, by its row and column.
CELL = """([row, column]) => {
  const canvas = document.querySelector('#canvas .picture'), side = canvas.width / 4;
  return [...canvas.getContext('2d').getImageData(column * side, row * side, side, side).data].join();
}"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A visitor's page of the app that opens with emoji; nothing may go wrong in its console."""
    trouble: list[str] = []
    with started_app(tmp_path_factory.mktemp("app"), "--assets", "assets") as url:
        page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
        watch(page, trouble)
        page.goto(url)
        yield page
        page.close()
    assert trouble == []


def test_the_app_opens_with_the_map_of_emoji_and_a_star_shows_its_pictures(page):
    page.wait_for_selector("#map .main-svg", timeout=WAIT)
    page.wait_for_selector("#painted .cell", timeout=WAIT)
    assert page.locator("#models [aria-pressed=true]").inner_text().startswith("Emoji")
    places, before = page.evaluate(PLACES), page.evaluate(SHEET, "painted")
    assert len(places) == 128
    page.mouse.click(*places[20])
    page.wait_for_function(f"s => !['none', s].includes(({SHEET})('painted'))", arg=before, timeout=WAIT)


def test_a_dab_on_its_canvas_changes_one_picture_and_leaves_the_others(page):
    tab(page, "Canvas")
    page.wait_for_function(f"/^(shown|final)/.test({SHOWN})", timeout=WAIT)
    cells = [(row, column) for row in range(4) for column in range(4)]
    before = {cell: page.evaluate(CELL, cell) for cell in cells}
    assert len({*before.values()}) == 16
    page.locator("#canvas .list button").nth(7).click()
    for _ in range(4):
        page.keyboard.press("[")
    box = page.locator("#canvas .strokes").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 3 / 8, box["y"] + box["height"] * 3 / 8)  # the middle of a cell
    page.wait_for_function(f"({SHOWN}).startsWith('sketch')", timeout=WAIT)
    page.wait_for_function(f"({SHOWN}).startsWith('final')", timeout=WAIT)
    changed = [cell for cell in cells if page.evaluate(CELL, cell) != before[cell]]
    assert changed == [(1, 1)]
