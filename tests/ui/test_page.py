"""The page in a real browser: every tab walked, no error in the console, no request to another host."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.ui.map_page import PLACES, open_map
from tests.ui.page import PHONE, WAIT, set_steps, tab, wait_text

STARS = 5


@pytest.fixture
def page(shared_page):
    """One visitor, who does what most of these tests do one after the other, and begins on Generate."""
    return shared_page()


def test_a_new_visitor_sees_pictures_and_what_made_them(page):
    assert page.locator("#made .cell").count() == 16
    assert page.locator("#prototypes .cell").count() == 64
    assert page.locator("#made-of .cell").count() >= 1
    assert page.locator("#similar .cell").count() == 4
    wait_text(page, "#generate-status", "16 pictures, 10 steps")
    assert page.evaluate("!window.inOwnWords && !performance.getEntries().some(e => e.name.includes('/words/'))")


def test_no_event_gives_its_status_to_what_is_seen(page):
    events = page.evaluate("() => window.gradio_config.dependencies.filter(e => e.show_progress == 'hidden')")
    assert len(events) > 100 and len({tuple(event["show_progress_on"]) for event in events}) == 1


def test_the_picture_downloads_as_a_png_with_its_recipe(page):
    source = page.locator("#detail img").get_attribute("src")
    page.locator("#made button.cell").nth(4).click()
    page.wait_for_function("s => document.querySelector('#detail img').src !== s", arg=source)
    data = page.request.get(page.locator("#detail img").get_attribute("src")).body()
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG" and '"seed": 5' in image.info["recipe"]
    page.keyboard.press("f")  # it is a favourite now
    wait_text(page, "#favourites", "seed 5")
    page.reload()
    wait_text(page, "#favourites", "seed 5")
    page.wait_for_selector("#made .cell", timeout=WAIT)


def test_prototypes_are_picked_mixed_and_generated_from(page):
    page.locator("#prototypes button.cell").nth(1).click()
    page.wait_for_selector("#mixer .row")
    page.locator("#prototypes button.cell").nth(40).click()
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 2")
    page.locator("#mixer input").nth(1).fill("0.25")
    page.locator("#mixer input").nth(1).dispatch_event("change")
    wait_text(page, "#mixer", "80 %[\\s\\S]*20 %")
    page.click("#generate")
    wait_text(page, "#generate-status", r"16 pictures.*Seed (?!1\.)")
    wait_text(page, "#made-of", "80 %[\\s\\S]*20 %")
    assert page.locator("#history .cell").count() == 2
    page.locator("#history button.cell").nth(1).click()
    wait_text(page, "#generate-status", r"Seed 1\.")
    page.locator("#mixer button").first.click()
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 1")
    page.locator("#mixer button").first.click()
    page.wait_for_function("!document.querySelectorAll('#mixer .row').length")


def test_what_is_picked_while_pictures_are_made_stays_picked(page):
    page.click("#generate")
    page.locator("#prototypes button.cell").nth(3).click()
    page.wait_for_selector("#mixer .row")
    wait_text(page, "#generate-status", r"Seed (?!1\.)")
    page.locator("#prototypes button.cell").nth(9).click()
    page.wait_for_function("document.querySelectorAll('#mixer .row').length === 2")


def test_stop_stops_and_the_page_stays_usable_and_in_two_steps_the_student_paints(page):
    made = page.locator("#history .cell").count()
    page.get_by_text("Settings", exact=True).first.click()
    set_steps(page, 100)
    page.click("#generate")
    wait_text(page, "#generate-status", "step [0-9]+ of 100")
    page.click("#stop")
    wait_text(page, "#generate-status", "stopped at step")
    assert page.locator("#history .cell").count() == made
    set_steps(page, 3)
    page.click("#generate")
    wait_text(page, "#generate-status", "16 pictures, 3 steps")
    set_steps(page, 2)
    page.click("#generate")
    wait_text(page, "#generate-status", "16 pictures by the student, 2 steps")


def test_the_map_is_drawn_and_a_star_leads_to_its_inspector(page):
    open_map(page)
    points = page.evaluate("document.querySelector('#map .plot').data.map(t => t.x.length)")
    assert points[STARS] == 64
    place = page.evaluate(PLACES)[5]
    page.mouse.move(*place)
    page.wait_for_selector("#map .card.shown")
    page.mouse.click(*place)
    wait_text(page, "#star-title", "of the training images")
    assert page.locator("#shown .cell").count() == 8
    page.click("#paint")
    page.wait_for_function("document.querySelectorAll('#painted .cell').length === 8", timeout=60_000)
    before = page.locator("#star-title").inner_text()
    page.locator("#near button.cell").first.click()
    page.wait_for_function("b => document.querySelector('#star-title').innerText !== b", arg=before)


def test_a_lasso_shows_the_images_inside(page):
    page.get_by_role("button", name="Lasso").click()
    box = page.locator("#map .plot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 200, y - 150)
    page.mouse.down()
    for dx, dy in ((200, -150), (200, 150), (-200, 150), (-200, -150)):
        page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()
    wait_text(page, "#star-title", "[0-9]+ images and [0-9]+ prototypes inside")
    assert page.locator("#shown .cell").count() >= 1


def test_a_picture_is_found_on_the_map(page, tmp_path):
    path = tmp_path / "mine.png"
    noise = np.random.default_rng(0).integers(0, 256, (1300, 1300, 4), np.uint8)
    Image.fromarray(noise).save(path, compress_level=1)
    assert path.stat().st_size > 6_000_000  # more than the server takes: the browser makes it small
    page.click("#by-picture")
    page.locator("input[type=file][accept*=image]").first.set_input_files(str(path))
    wait_text(page, "#star-title", "Your picture")
    page.wait_for_function("document.querySelector('#map .plot')?.data?.find(t => t.name === 'query')?.x.length === 1")


def test_a_generated_picture_leads_to_its_place_on_the_map(page):
    tab(page, "Generate")
    page.get_by_role("button", name="Show on the map").click()
    wait_text(page, "#star-title", "The picture you made")


def test_compare_shows_three_methods_and_their_evidence(page):
    tab(page, "Compare")
    page.click("#compare")
    wait_text(page, "#compare-status", "Click a picture")
    for number in (1, 2, 3):
        assert page.locator(f"#compare-{number} .cell").count() == 9
    assert page.locator("#evidence-2 .cell").count() == 4
    page.locator("#compare-1 button.cell").nth(5).click()
    page.wait_for_selector("#compare-2 .cell:nth-child(6).chosen")
    page.locator("#compare-3 button.cell").nth(2).hover()
    assert page.locator(".cell.twin").evaluate_all("cells => cells.map(c => c.dataset.id)") == ["2"] * 3
    wait_text(page, "#times", "RDM, 10 steps: condition")
    wait_text(page, "#sizes", "RDM, RAM")


def choose(page, selector, title):
    page.locator(f"{selector} input").click()
    page.locator(f"{selector}").get_by_role("option", name=title, exact=True).click()


def test_compare_takes_any_ways_and_leaves_out_what_is_not_asked_for(page):
    tab(page, "Compare")
    choose(page, "#compare-way-1", "RDM, queries from the top 1 % (published)")
    choose(page, "#compare-way-3", "Nothing")
    page.click("#compare")
    page.wait_for_function("document.querySelectorAll('#evidence-1 .cell').length === 4", timeout=WAIT)
    wait_text(page, "#compare-status", "Click a picture")
    assert page.locator("#compare-3 .cell").count() == 0
    choose(page, "#compare-way-1", "Nothing")
    choose(page, "#compare-way-2", "Nothing")
    page.click("#compare")
    page.get_by_text("Choose at least one method to compare.").wait_for()


def test_results_are_read_when_their_tab_is_opened_and_the_map_is_drawn_after_them(visit):
    page = visit()
    assert page.locator("#results-bench table").count() == 0
    tab(page, "Results")
    wait_text(page, "#results-bench", "of [0-9]+ targets met")
    page.get_by_text(re.compile("All [0-9]+ measurements"), exact=True).click()
    assert page.get_by_role("rowheader", name="prototypes used", exact=True).is_visible()
    tab(page, "Prototypes")
    page.wait_for_selector("#map .main-svg", timeout=60_000)
    assert page.locator("script[src*='plotly.min.js']").count() == 1


def test_two_visitors_do_not_see_each_other(page, visit):
    first, second = page, visit()
    tab(first, "Generate")
    made = first.locator("#history .cell").count()
    while first.locator("#mixer .row").count():
        first.locator("#mixer button").first.click()
        first.wait_for_timeout(200)
    first.locator("#prototypes button.cell").nth(0).click()
    first.wait_for_selector("#mixer .row")
    second.locator("#prototypes button.cell").nth(1).click()
    second.locator("#prototypes button.cell").nth(2).click()
    second.wait_for_function("document.querySelectorAll('#mixer .row').length === 2")
    first.click("#generate")
    wait_text(first, "#generate-status", r"Seed (?!1\.)")
    assert first.locator("#mixer .row").count() == 1
    assert second.locator("#history .cell").count() == 1 and first.locator("#history .cell").count() == made + 1


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit(PHONE)
    for name in ("Generate", "Canvas", "Prototypes", "Compare", "Judge", "Results"):
        tab(page, name)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function("d => document.body.classList.contains('dark') === d", arg=scheme == "dark")
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
