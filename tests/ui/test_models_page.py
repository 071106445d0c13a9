"""Several models on one page: a card each, and everything follows the one that is chosen."""

import re

import pytest

from tests.ui.app_server import ROOT, started_app
from tests.ui.page import WIDE, tab, wait_text


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The app with the shipped model under two names, the second without RDM but with an unconditional net."""
    assets = tmp_path_factory.mktemp("assets")
    shipped = ROOT / "assets" / "fashion-mnist"
    (assets / "fashion-mnist").symlink_to(shipped)
    (assets / "second").mkdir()
    for name, source in (("pdm", "pdm"), ("map", "map"), ("unconditional", "pdm")):
        (assets / "second" / name).symlink_to(shipped / source)
    with started_app(tmp_path_factory.mktemp("app"), "--assets", str(assets)) as url:
        yield url


@pytest.fixture(scope="module")
def page(url, browser):
    """One visitor's page, with nothing wrong in its console."""
    page, trouble = browser.new_page(viewport=WIDE, reduced_motion="reduce"), []
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.goto(f"{url}/#generate")
    page.wait_for_selector("#made .cell", timeout=60_000)
    yield page
    page.close()
    assert trouble == []


def pressed(page) -> list[str]:
    """The lines on the pressed card."""
    return page.locator("#models button[aria-pressed=true]").inner_text().split("\n")


def test_a_card_chooses_the_model_for_every_tab(page):
    title, seen = pressed(page)
    assert title == "Fashion-MNIST" and re.fullmatch(r"Trained on [\d,]+ images \(repeats counted\)", seen)
    page.get_by_role("button", name="second").click()
    page.wait_for_function("document.querySelector('#models [aria-pressed=true]').innerText.includes('second')")
    tab(page, "Compare")
    wait_text(page, "#sizes", "PDM, RAM")
    page.wait_for_function("!document.querySelector('#sizes').innerText.includes('RDM')")
    page.locator("#compare").click()
    wait_text(page, "#because-3", "trained without any condition")
    wait_text(page, "#compare-status", r"Seed \d+")
    assert "RDM" not in page.locator("#times").inner_text()
    tab(page, "Results")
    page.locator("#results-missing summary").click()
    wait_text(page, "#results-missing", "assets/results/second/")


def test_a_link_opens_with_its_model(page, url):
    page.goto(f"{url}/?model=second&prototypes=3&seed=5")
    page.wait_for_selector("#made .cell", timeout=60_000)
    page.wait_for_function("document.querySelector('#models [aria-pressed=true]')?.innerText.includes('second')")


def choose_second(page) -> None:
    page.get_by_role("button", name="second").click()
    page.wait_for_function("document.querySelector('#models [aria-pressed=true]').innerText.includes('second')")


def test_a_model_opens_with_pictures_of_its_own_and_those_that_were_made_stay_in_the_strip(page, url):
    page.get_by_role("button", name="Show on the map").click()
    page.wait_for_selector("#tabs [role=tab][aria-selected=true]:has-text('Prototypes')")
    page.evaluate("localStorage.clear()")  # as a new visitor, who has chosen nothing yet
    page.goto(f"{url}/?new#generate")
    page.wait_for_selector("#made .cell", timeout=60_000)
    page.locator("#generate").click()
    page.wait_for_function("document.querySelectorAll('#history .cell').length === 2", timeout=60_000)
    choose_second(page)
    chosen = "i => document.querySelectorAll('#history .cell')[i]?.classList.contains('chosen')"
    page.wait_for_function("document.querySelectorAll('#history .cell').length === 3")
    page.wait_for_function(chosen, arg=0)  # its own are shown
    page.locator("#history button.cell").nth(1).click()
    page.wait_for_function(chosen, arg=1)
    for button in ("Use this recipe", "Show on the map"):
        page.get_by_role("button", name=button).click()
        page.get_by_text("made with another model").last.wait_for()
        page.locator(".toast-close").last.click()  # it would go by itself, ten seconds later
        page.get_by_text("made with another model").last.wait_for(state="hidden", timeout=30_000)
