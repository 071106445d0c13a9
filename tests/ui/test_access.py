"""What a checker of accessibility finds on the tabs, light and dark: nothing serious."""

import pytest

from tests.ui.page import tab

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
        page.wait_for_timeout(300)  # what fades in is as dark as it will be
        found[name] = serious(page)
        page.evaluate(DARK)
        page.wait_for_timeout(300)
        found[f"{name}, dark"] = serious(page, CONTRAST)
        page.evaluate("document.body.classList.remove('dark')")
    assert {name: what for name, what in found.items() if what} == {}
