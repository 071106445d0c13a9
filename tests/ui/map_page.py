"""What the browser tests do on the Prototypes tab: find stars on the screen, drag them, wait for an edit."""

import re

from tests.ui.page import WAIT, tab, wait_text

STARS = "document.querySelector('#map .plot')?.data?.find(t => t.name === 'stars')"
# Where each star is on the screen.
PLACES = """() => {
    const host = document.querySelector('#map .plot'), box = host.getBoundingClientRect();
    const {xaxis, yaxis} = host._fullLayout, t = host.data.find(t => t.name === 'stars');
    return t.x.map((x, i) => [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(t.y[i])]);
}"""
# The pictures of a grid, by the id of the grid.
SHEET = "id => getComputedStyle(document.querySelector(`#${id} .pictures`)).getPropertyValue('--sheet')"


def open_map(page):
    """The Prototypes tab with its map drawn, its drawer open, and nothing moving any more."""
    tab(page, "Prototypes")
    open_drawer(page)
    page.wait_for_selector("#map .main-svg", timeout=WAIT)
    page.wait_for_function(f"{STARS}?.x.length === 64", timeout=WAIT)
    page.wait_for_timeout(500)
    return page


def open_drawer(page):
    if page.locator("html").get_attribute("data-drawer") != "open":
        page.click("#drawer")
    page.evaluate("window.scrollTo(0, 0)")


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    for part in (0.3, 0.6, 1):
        page.mouse.move(*(a + part * (b - a) for a, b in zip(start, end, strict=True)), steps=3)
    page.mouse.up()


def done(page):
    """The sentence of the current step."""
    return page.evaluate("document.querySelector('#edit-log [aria-current]')?.textContent")


def wait_done(page, pattern):
    page.wait_for_function(
        "p => new RegExp(p).test(document.querySelector('#edit-log [aria-current]')?.textContent || '')",
        arg=pattern,
        timeout=WAIT,
    )


def choose(page, name):
    """Choose a star from the list of their names."""
    box = page.locator("#star-names input")
    box.fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    wait_text(page, "#star-title", re.escape(name))
