"""Ten things that a visitor does once: all are there after a reload, and after the server has ended and begun again."""

import re
from urllib.parse import urlparse

import pytest

from tests.ui.app_server import start_app
from tests.ui.conftest import watch
from tests.ui.map_page import choose, done, open_map, wait_done
from tests.ui.page import WAIT, WIDE, mix_two, tab, type_number, wait_text

PlaywrightError = pytest.importorskip("playwright.sync_api").Error
SHEET = "id => document.querySelector(`${id} .pictures`)?.style.getPropertyValue('--sheet') || ''"
SETTINGS = ("Pictures", "Steps", "Guidance", "Seed")
# What each of the ten things looks like on the page.
STROKES = "document.querySelector('#canvas .strokes')?.toDataURL()"


def choose_from(page, label, name):
    page.get_by_label(label, exact=True).fill(name)
    page.get_by_role("option", name=name, exact=True).last.click()


def do_ten_things(page):
    """Settings, picks, two batches, an older one shown, an edit and one undone, a blend, a walk, a vote, a drawing."""
    page.get_by_text("Settings", exact=True).first.click()
    for label, number in (("Pictures", 6), ("Steps", 4), ("Guidance", 2.5)):
        type_number(page.get_by_role("spinbutton", name=re.compile(label)).first, number)
    mix_two(page)
    page.click("#generate")
    wait_text(page, "#generate-status", r"^6 pictures.* 4 steps .*Seed (?!1\.)")
    open_map(page)
    choose(page, "Bag 1")
    page.click("#mute")
    wait_done(page, "^muted Bag 1")
    page.click("#duplicate")
    wait_done(page, "^duplicated Bag 1")
    page.click("#undo")
    wait_done(page, "^muted Bag 1")
    page.get_by_text("Blend two").click()
    choose_from(page, "From A", "Sandal 1")
    choose_from(page, "To B", "Boot 1")
    page.locator("#walk").get_by_text("Walk").first.click()
    box = page.locator("#walk-stars input").first
    for name in ("Coat 1", "Boot 1"):
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).last.click()
    box.press("Escape")
    tab(page, "Judge")
    page.wait_for_function("() => !document.querySelector('#vote-tie').disabled", timeout=WAIT)
    page.click("#vote-tie")
    wait_text(page, "#blind-own", "You: 1 vote")
    tab(page, "Canvas")
    page.click("#surprise")
    page.wait_for_function(
        "document.querySelector('#canvas [data-shown]')?.dataset.shown.startsWith('final')", timeout=WAIT
    )


def seen(page, pictures=None) -> dict:
    """What the page shows of the ten things. `pictures`: what it comes to show, once they have been painted again."""
    found = {"drawing": page.evaluate(STROKES)}
    tab(page, "Generate")
    page.wait_for_selector("#made .cell", timeout=WAIT)
    if pictures is not None:
        page.wait_for_function(f"sheet => ({SHEET})('#made') === sheet", arg=pictures, timeout=WAIT)
    if not page.get_by_role("spinbutton", name=re.compile("Pictures")).count():
        page.get_by_text("Settings", exact=True).first.click()
    numbers = [page.get_by_role("spinbutton", name=re.compile(label)).first.input_value() for label in SETTINGS]
    found |= {"settings": numbers, "picks": page.locator("#mixer .row").all_inner_texts()}
    found |= {"batches": page.locator("#history .cell").all_inner_texts(), "pictures": page.evaluate(SHEET, "#made")}
    tab(page, "Prototypes")
    page.wait_for_selector("#edit-log button", timeout=WAIT)
    for panel, inside in (("Blend two", "#show-film"), ("Walk", "#walk-go")):
        if not page.locator(inside).is_visible():
            page.get_by_text(panel, exact=True).first.click()
    page.wait_for_selector("#walk-stars", timeout=WAIT)
    found |= {"edits": done(page), "undone": page.locator("#edit-log button.undone").all_inner_texts()}
    ends = [page.get_by_label(label, exact=True).input_value() for label in ("From A", "To B")]
    found |= {"blend": ends, "walk": page.locator("#walk-stars .token").all_inner_texts()}
    tab(page, "Judge")
    return found | {"votes": page.locator("#blind-own").inner_text()}


@pytest.fixture
def restarted(browser, tmp_path):
    """A page at an app of its own, and a way to end that app and start it again at the same address."""
    app, trouble = start_app(tmp_path), []
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    page = context.new_page()
    watch(page, trouble)
    page.goto(f"{app.url}/#generate")
    page.wait_for_selector("#made .cell", timeout=WAIT)

    def restart():
        nonlocal app
        app.stop()
        app = start_app(tmp_path, port=urlparse(app.url).port)

    yield page, restart
    context.close()
    app.stop()


def reopened(page, drawing):
    """The page once more: it opens on the tab that was open, and Back leads to the one before."""
    for _ in range(3):
        try:
            page.reload()
            break
        except PlaywrightError:  # it reloads by itself when its server is back
            page.wait_for_timeout(1000)
    page.locator("[role=tab][aria-selected=true]", has_text="Judge").wait_for(timeout=WAIT)
    wait_text(page, "#blind-own", "You: 1 vote")
    page.go_back()
    page.locator("[role=tab][aria-selected=true]", has_text="Prototypes").wait_for(timeout=WAIT)
    tab(page, "Canvas")
    page.wait_for_function(f"drawn => {STROKES} === drawn", arg=drawing, timeout=WAIT)
    return page


@pytest.mark.slow
def test_ten_things_that_were_done_are_there_after_a_reload_and_after_a_restart(restarted, record_property):
    page, restart = restarted
    do_ten_things(page)
    before = seen(page)
    assert len(before) == 10 and all(before.values()) and before["settings"][:3] == ["6", "4", "2.5"]
    for number, between in (("page.kept_after_reload", lambda: None), ("page.kept_after_restart", restart)):
        between()
        after = seen(reopened(page, before["drawing"]), before["pictures"])
        record_property(number, sum(after[what] == before[what] for what in before))
        assert after == before
