"""Finding and choosing by lists, in a real browser."""

import pytest

from tests.ui.map_page import STARS, choose, open_map, wait_done
from tests.ui.page import wait_text

RANGE = "JSON.stringify(document.querySelector('#map .plot')._fullLayout.xaxis.range)"


@pytest.fixture
def page(shared_page):
    """One visitor's map, on which one thing is found after another."""
    return shared_page(open_map)


def type_in(page, text):
    page.locator("#find textarea, #find input").first.fill(text)


def test_what_is_typed_is_found_shown_and_opened(page):
    whole = page.evaluate(RANGE)
    type_in(page, "boot")
    wait_text(page, "#found", "Boot[\\s\\S]*and [0-9]+ more")
    type_in(page, "boot 1")
    page.wait_for_function("document.querySelectorAll('#found button').length === 1")
    page.wait_for_function(f"w => {RANGE} !== w", arg=whole)  # the map goes to a single one
    page.locator("#found button").click()
    wait_text(page, "#star-title", "Boot 1")
    type_in(page, "no such thing")
    wait_text(page, "#found", "No prototype has")
    type_in(page, "")
    wait_text(page, "#found", "Enter opens")
    page.wait_for_function(f"w => {RANGE} === w", arg=whole)
    type_in(page, "sandal 2")
    wait_text(page, "#found", "Sandal 2")
    page.locator("#find textarea, #find input").first.press("Enter")
    wait_text(page, "#star-title", "Sandal 2")


def test_a_name_with_markup_is_shown_as_it_was_typed(page):
    choose(page, "Boot 1")
    page.locator("#rename textarea, #rename input").first.fill("<b>bold</b> & co")
    page.click("#rename button")
    wait_done(page, "^renamed ")
    page.wait_for_function(
        "[...document.querySelectorAll('#map .textpoint')].some(t => t.textContent === '<b>bold</b> & co')"
    )
    wait_text(page, "#star-title", "<b>bold</b> & co")


def test_a_double_click_adds_a_star_there(page):
    type_in(page, "")
    page.locator("#map [data-zoom=fit]").click()  # an earlier test's search leads back to where that one began
    page.wait_for_timeout(500)
    box = page.locator("#map .plot").bounding_box()
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_done(page, "^added ")
    page.wait_for_function(f"{STARS}.x.length === 65", timeout=60_000)
