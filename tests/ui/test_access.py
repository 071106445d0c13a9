"""What a checker of accessibility finds on the tabs, light and dark: nothing serious."""

import pytest

from tests.ui.page import at_rest, tab

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
TABS = ("Generate", "Canvas", "Prototypes", "Compare", "Judge", "Results")
DARK = "document.body.classList.add('dark')"
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # the rest does not depend on colours


def serious(page, options: dict | None = None) -> list[str]:
    """The findings, each with the first part of the page that it names."""
    found = axe.Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]


def test_a_checker_finds_nothing_serious_on_any_tab_light_or_dark(visit):
    page, found = visit(), {}
    page.locator("#made .cell").first.click()
    page.wait_for_selector("#detail img")
    for name in TABS:
        tab(page, name)
        at_rest(page)  # what fades in is as dark as it will be
        found[name] = serious(page)
        page.evaluate(DARK)
        at_rest(page)
        found[f"{name}, dark"] = serious(page, CONTRAST)
        page.evaluate("document.body.classList.remove('dark')")
    assert {name: what for name, what in found.items() if what} == {}


def test_where_motion_is_to_be_reduced_the_whole_page_turns_dark_at_once(visit):
    page = visit()
    at_rest(page)
    started = page.evaluate(
        """() => {
            const before = document.getAnimations().length;
            document.body.classList.add("dark");
            return document.getAnimations().length - before;
        }"""
    )
    assert started == 0
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(244, 244, 245)"
