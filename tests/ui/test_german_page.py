"""The page in a German browser: every tab walked, and nothing that can be read is left in English."""

import json

import pytest

from pdm.support.paths import ASSETS
from tests.ui.conftest import watch
from tests.ui.german import COLLECT, german
from tests.ui.map_page import open_drawer
from tests.ui.page import WAIT, WIDE, wait_text

UNFOLD = """() => {
  for (const fold of document.querySelectorAll('button.label-wrap:not(.open)')) if (fold.offsetParent) fold.click();
  for (const fold of document.querySelectorAll('details')) fold.open = true;
}"""


@pytest.fixture
def page(app_url, browser):
    """Generate, in a browser that asks for German; at the end nothing may have gone wrong in the console."""
    context, trouble = browser.new_context(viewport=WIDE, locale="de-DE", reduced_motion="reduce"), []
    page = context.new_page()
    watch(page, trouble)
    page.goto(f"{app_url}/#generate")
    page.wait_for_selector("#made .cell", timeout=WAIT)
    yield page
    context.close()
    assert trouble == []


def open_tab(page, key):
    page.locator(f"#tabs [role=tab][data-tab-id={key}]").click()


def painted(page):
    """What the page opened with, and a sketch of a pick."""
    wait_text(page, "#generate-status", r"16 Bilder, 10 Schritte in .* Seed 1\.")
    page.locator("#prototypes button.cell").nth(3).click()
    wait_text(page, "#generate-status", "Vom Schüler in 1 Schritt skizziert")


def edited(page):
    """A star of the map muted, and a walk through no stars, which is refused in a toast."""
    open_tab(page, "prototypes")
    open_drawer(page)
    page.wait_for_selector("#map .main-svg", timeout=WAIT)
    page.locator("#star-names input").fill("Bag 1")
    page.get_by_role("option", name="Bag 1", exact=True).click()
    wait_text(page, "#star-title", r"Bag 1[^]*\d,\d % der Trainingsbilder")
    # What else is answered about the star leaves there what is typed.
    page.locator("#rename :is(input, textarea)").fill("Stop")
    page.click("#mute")
    wait_text(page, "#edit-log", "Bag 1 stummgeschaltet")
    page.locator("#rename :is(input, textarea)").press("Enter")
    wait_text(page, "#star-title", "^Stop\n")
    page.wait_for_function(
        "[...document.querySelectorAll('#map .plot text')].some(text => text.textContent === 'Stop')"
    )
    page.evaluate(UNFOLD)
    page.click("#walk-go")
    page.get_by_text("Prototypen: erwartet 2 bis 8 für eine Wanderung, bekommen 0").first.wait_for()


def compared(page):
    open_tab(page, "compare")
    wait_text(page, "#times", "PDM, 10 Schritte: Bedingung")
    page.locator("#compare-way-1 input").click()
    page.get_by_role("option", name="RDM, oberste 1 % (veröffentlicht)").wait_for()
    page.keyboard.press("Escape")


def test_everything_that_can_be_read_is_german(page):
    names = json.loads((ASSETS / "fashion-mnist" / "map" / "map.json").read_text())["class_names"]
    known, left = german([*names, "Stop"]), {}  # the star that is called so
    places = {
        "generate": painted,
        "prototypes": edited,
        "canvas": lambda page: open_tab(page, "canvas"),
        "compare": compared,
        "judge": lambda page: open_tab(page, "judge"),
        "results": lambda page: (open_tab(page, "results"), wait_text(page, "#results-bench", "Zielen erreicht")),
        "train": lambda page: open_tab(page, "train"),
    }
    for place, go in places.items():
        go(page)
        page.evaluate(UNFOLD)
        found = {text for text in page.evaluate(COLLECT) if not known.knows(text)}
        left |= {text: place for text in found if text not in left}
    assert not left, "\n".join(f"{place}: {text}" for text, place in left.items())
    assert page.evaluate("document.documentElement.lang") == "de"
    lines = "p => p.getBoundingClientRect().height / parseFloat(getComputedStyle(p).lineHeight)"
    open_tab(page, "judge")  # where the votes are to be in view on a laptop
    assert page.locator(".about p", has_text="Zwei verdeckte Verfahren").evaluate(lines) < 3.1
    assert page.evaluate("document.querySelector('#compare-way-1 input').value") == "PDM, prototypes"
