"""Editing in a real browser: by dragging, by lasso, by keyboard, and by buttons alone on a phone."""

import re

import pytest

from tests.ui.map_page import PLACES, SHEET, STARS, choose, done, drag, open_map, wait_done
from tests.ui.page import PHONE, tab, wait_text


@pytest.fixture
def page(shared_page):
    """The map of one visitor, who takes back what each test has edited."""
    page = shared_page(open_map)
    yield page
    if done(page) != "Original":
        page.locator("#edit-log button").first.click()
        wait_done(page, "^Original")


def unfold(page, title, inside):
    """Open a part of the tools, if the last test has not."""
    if not page.locator(inside).is_visible():
        page.get_by_text(title).click()


def wait_previews(page):
    page.wait_for_function(
        "['before', 'painted'].every(id => document.querySelectorAll(`#${id} .cell`).length === 8)", timeout=60_000
    )


def test_a_dragged_star_paints_something_else_and_the_keyboard_undoes_it(page):
    places = page.evaluate(PLACES)
    drag(page, places[5], places[30])
    wait_done(page, "^moved ")
    wait_previews(page)
    wait_text(page, "#star-title", ".")
    page.wait_for_function(f"({SHEET})('before') !== ({SHEET})('painted')", timeout=60_000)
    moved = page.evaluate(PLACES)
    assert moved[5] != places[5]
    assert moved[:5] + moved[6:] == places[:5] + places[6:]  # nothing else jumps
    page.keyboard.press("Control+z")
    wait_done(page, "^Original")
    page.wait_for_function(
        f"p => JSON.stringify(({PLACES})()[5]) === p", arg=page.evaluate(f"JSON.stringify(({PLACES})()[5])")
    )
    assert page.evaluate(PLACES) == places
    page.keyboard.press("Control+Shift+z")
    wait_done(page, "^moved ")
    page.locator("#edit-log button").first.click()  # the list leads back as well
    wait_done(page, "^Original")
    page.wait_for_timeout(500)  # until all of it has come in
    move_by_keys(page)


def move_by_keys(page):
    """From the map's tools to the map, to another star, and that one moved: with no mouse."""
    page.focus("#map [data-zoom=fit]")
    while page.evaluate("document.activeElement.closest('.tools')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#map .plot:focus ~ .ring.there")
    assert page.locator("#map .keys").is_visible()
    name = re.match("[^,]+", page.locator("#map .said").text_content())[0]
    page.keyboard.press("Enter")
    wait_text(page, "#star-title", re.escape(name))
    for key in ("Shift+ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    wait_done(page, f"^moved {re.escape(name)} ")


def lasso(page, star):
    """Draw round a star; returns how many stars were inside."""
    page.evaluate("window.scrollTo(0, 0)")
    page.get_by_role("button", name="Lasso", exact=True).click()
    x, y = page.evaluate(PLACES)[star]
    page.mouse.move(x - 70, y - 70)
    page.mouse.down()
    for dx, dy in ((70, -70), (70, 70), (-70, 70), (-70, -70)):
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()
    wait_text(page, "#star-title", r"images and \d+ prototypes? inside")
    return int(re.search(r"and (\d+) prototype", page.locator("#star-title").inner_text())[1])


def test_stars_in_a_lasso_are_merged_and_what_is_inside_is_added(page):
    lasso(page, 5)
    unfold(page, "Merge or add", "#merge")
    page.click("#add-mean")
    wait_done(page, "^added ")
    page.click("#undo")
    wait_done(page, "^Original")
    inside = lasso(page, 5)
    assert inside > 1
    page.click("#merge")
    wait_done(page, "^merged ")
    page.wait_for_function(f"n => {STARS}.x.length === n", arg=64 - inside + 1, timeout=60_000)


def test_on_a_phone_buttons_do_what_the_mouse_does(prototypes_tab):
    page = prototypes_tab(PHONE)
    choose(page, "Coat 1")
    page.click("#split")
    wait_done(page, "^split Coat 1 into 2")
    wait_previews(page)
    page.click("#mute")
    wait_done(page, "^muted ")
    page.click("#mute")
    wait_done(page, "^unmuted ")
    page.locator("#towards input").fill("Boot 1")
    page.get_by_role("option", name="Boot 1", exact=True).click()
    page.click("#move")
    wait_done(page, "^moved .* towards")
    page.click("#duplicate")
    wait_done(page, "^duplicated ")
    page.click("#remove")
    wait_done(page, "^removed ")
    page.click("#reset-all")
    wait_done(page, "^reset ")
    for _ in range(3):
        page.click("#undo")
        page.wait_for_timeout(300)
    wait_done(page, "^moved .* towards")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_blend_is_seen_as_a_film_and_kept(page):
    page.get_by_text("Blend two").click()
    for label, name in (("From A", "Sandal 1"), ("To B", "Boot 1")):
        page.get_by_label(label, exact=True).fill(name)
        page.get_by_role("option", name=name, exact=True).last.click()
    page.click("#show-film")
    page.wait_for_function("document.querySelectorAll('#film .cell').length === 7", timeout=60_000)
    page.locator("#film button.cell").nth(2).click()
    page.click("#keep-blend")
    wait_done(page, "^blended ")
    wait_text(page, "#star-title", r"Sandal 1 \+ Boot 1")


def test_a_wrong_edit_says_what_was_expected_and_keeps_everything(page):
    unfold(page, "Merge or add", "#merge")
    page.click("#merge")
    page.get_by_text("Choose two or more prototypes to merge first.").first.wait_for()
    assert done(page) == "Original"


def test_a_set_is_saved_loaded_by_another_visitor_and_survives_a_reload(page, prototypes_tab, tmp_path):
    choose(page, "Bag 1")
    page.locator("#rename textarea, #rename input").first.fill("My <b>bag</b>")
    page.get_by_role("button", name="Rename").click()
    wait_done(page, "^renamed ")
    assert page.locator("#edit-log b").count() == 0  # a name is text
    page.get_by_text("Save and load").click()
    with page.expect_download() as download:
        page.click("#save-set")
    path = tmp_path / "set.safetensors"
    download.value.save_as(path)
    other = prototypes_tab()
    assert done(other) == "Original"  # nobody else's edits
    other.get_by_text("Save and load").click()
    other.locator("input[type=file][accept*=safetensors]").set_input_files(str(path))
    wait_done(other, "^loaded 64")
    other.locator("#star-names input").fill("My <b>")
    assert other.get_by_role("option", name="My <b>bag</b>").count() == 1
    page.wait_for_function("(localStorage.getItem('prototype-sets') || '').length > 100", timeout=60_000)
    page.reload()
    wait_done(page, "^renamed ")  # the very step, which can be undone
    tab(page, "Generate")
    page.wait_for_function(
        "[...document.querySelectorAll('#prototypes .title')].some(t => t.textContent === 'My <b>bag</b>')"
    )
    open_map(page)
