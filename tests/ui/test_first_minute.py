"""The first minute of a visit, on a laptop and under a thumb: it moves, it follows, and nothing is out of view."""

import re

import pytest

from pdm.experiments.bench.browser import READY
from pdm.experiments.bench.page import (
    LAPTOP,
    PHONE,
    RANGES,
    _pinch,
    first_visit,
    fit_lost,
    follow_times,
    tap_time,
    visited,
)
from tests.ui.conftest import watch
from tests.ui.map_page import PLACES, SHEET, done, wait_done
from tests.ui.page import WAIT, tab, wait_text

TURN = "document.querySelector('#map .turn.shown')"
# Whether all of an element is in the window.
IN_VIEW = """id => {
  const box = document.querySelector(id).getBoundingClientRect();
  return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
}"""


@pytest.fixture
def opened(browser, app_url):
    """Open the page as a new visitor with a window of some size; nothing may go wrong in the console."""
    trouble, visits = [], []

    def open_page(size, hash="", slower=1):
        visits.append(visited(browser, "about:blank", size))
        page = visits[-1].__enter__()
        watch(page, trouble)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(f"{app_url}/{hash}")
        return page

    yield open_page
    for visit in visits:
        visit.__exit__(None, None, None)
    assert trouble == []


def test_a_new_visitor_sees_pictures_beside_the_map_and_they_move_once(opened):
    page = opened(LAPTOP)
    page.wait_for_function(TURN, timeout=WAIT)
    assert page.evaluate("seen.moving > seen.picture && seen.picture > 0")
    assert all(page.evaluate(IN_VIEW, part) for part in ("#map", "#painted", "#paint", "#undo", "#drawer"))
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Prototypes" and done(page) == "Original"
    assert page.locator("#painted .cell").count() == 8 and "in 1 step" not in page.locator("#painted-line").inner_text()
    places, sheet = page.evaluate(PLACES), page.evaluate(SHEET, "painted")
    page.mouse.move(*places[20])
    page.wait_for_selector("#map .card.shown.painted", timeout=WAIT)  # pictures of the star under the pointer
    page.mouse.click(*places[20])
    page.wait_for_function(f"s => !['none', s].includes(({SHEET})('painted'))", arg=sheet, timeout=WAIT)
    page.wait_for_timeout(1000)  # nothing is on its way, which a reload would cut off
    page.reload()
    page.wait_for_selector("#painted .cell", timeout=WAIT)
    page.wait_for_timeout(1000)
    assert page.evaluate("seen.moving") is None  # once


def test_pictures_follow_the_mixer_and_a_card_paints_by_itself(opened):
    page = opened(LAPTOP, "#generate")
    page.wait_for_selector("#made button", timeout=WAIT)
    below = "document.querySelector('#history').getBoundingClientRect().top + scrollY"
    place = page.evaluate(below)
    times = follow_times(page, 1)
    assert page.locator("#made .cell").count() == 8 and abs(page.evaluate(below) - place) < 1  # nothing has jumped
    assert 0 < times["page.pick_s"] < 60 and 0 < times["page.weight_s"] < 60
    wait_text(page, "#generate-status", "^Sketched by the student in 1 step")
    assert page.locator("#made button").count() == 0 and page.locator("#history .cell").count() == 1
    card = page.locator("#experiments button.cell", has_text="Half ")
    names = re.match("Half (.+), half (.+)", card.locator(".title").inner_text()).groups()
    card.click()
    wait_text(page, "#generate-status", r"^16 pictures, 10 steps .* Seed 1\.")
    assert [name.split()[0].lower() for name in page.locator("#mixer .name").all_inner_texts()] == [*names]
    assert page.locator("#history .cell").count() == 2 and page.locator("#made button").count() == 16
    tab(page, "Prototypes")
    assert fit_lost(page, 30) == 0


def test_under_a_thumb_a_tap_shows_pictures_two_fingers_pinch_and_a_double_tap_adds(opened):
    phone = opened(PHONE)
    assert 0 < tap_time(phone, 1) < 60  # all in view, and nothing scrolled
    assert all(phone.evaluate(IN_VIEW, part) for part in ("#map", "#star-title", "#painted"))
    box, before = phone.locator("#map .plot").bounding_box(), phone.evaluate(RANGES)
    x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.15
    _pinch(phone.context.new_cdp_session(phone), x, y, 2.0)
    phone.wait_for_function(f"span => {RANGES}[1] - {RANGES}[0] < 0.6 * span", arg=before[1] - before[0])
    phone.locator("#map [data-zoom=fit]").tap()
    phone.wait_for_timeout(400)
    for _ in range(2):
        phone.touchscreen.tap(x, y)
    wait_done(phone, "^added ")


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_nothing_is_shifted_on_a_device_three_times_as_slow(opened, app_url, size):
    page = opened(size, slower=3)
    page.wait_for_function(READY, timeout=WAIT)
    page.wait_for_function("seen.picture", timeout=WAIT)
    page.wait_for_timeout(1000)
    assert page.evaluate("seen.shift") < 0.05


def test_a_first_visit_is_measured(browser, app_url):
    seen = first_visit(browser, app_url, live=True)
    assert 0 < seen["page.picture_s"] <= seen["page.moving_s"] < 60
    assert 0.5 < seen["page.first_mb"] < 4 and 0 <= seen["page.layout_shift"] < 0.05
