"""The benchmark of the canvas in a real browser: from a stroke to the sketch of it on the page."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.browser import LIMIT, MISSING, app_page, renderer

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIDE = 256  # pixels of the canvas
SLOW = 1000  # milliseconds of a slow stroke
MOVES = 10  # of the hand, in a stroke
# From here on: when the pen was lifted, and when a picture of what was painted then was first on the screen.
WATCH = """() => {
  const canvas = document.querySelector('#canvas [data-mask]'), of = () => (canvas.dataset.shown || '').split(' ')[1];
  window.lifted = window.sketched = null;
  window.addEventListener('pointerdown', () => { window.lifted = window.sketched = null; }, true);
  window.addEventListener('pointerup', () => { window.lifted = performance.now(); }, true);
  new MutationObserver(() => {
    if (window.lifted === null || window.sketched !== null || of() !== canvas.dataset.mask) return;
    requestAnimationFrame(() => { window.sketched ??= performance.now(); });
  }).observe(canvas, {attributes: true, attributeFilter: ['data-shown']});
}"""
WAITED = "() => window.sketched && (window.sketched - window.lifted) / 1000"
SHOWN = "(document.querySelector('#canvas [data-shown]')?.dataset.shown || '')"


def stroke(bench: Bench) -> tuple[Numbers, dict]:
    """Strokes on a canvas of 256 x 256 pixels: seconds from the pen's lifting to the sketch on the page.

    A slow stroke takes a second, and is sketched while the hand moves.
    """
    keys, strokes = ("canvas.stroke_s", "canvas.slow_stroke_s"), bench.pick(7, 1)
    with app_page(bench, keys[0]) as page:
        if page is None:
            return dict.fromkeys(keys), {"browser": MISSING}
        return stroke_times(page, strokes), {"strokes": strokes, "side": SIDE, "slow_ms": SLOW} | renderer(page)


def stroke_times(page: Page, strokes: int) -> Numbers:
    """On an open page of the app: the medians of the seconds from a stroke to its sketch; the first one warms up."""
    page.wait_for_selector("#made .cell", timeout=LIMIT)
    page.get_by_role("tab", name="Canvas", exact=True).click()
    page.wait_for_function(f"() => /^(shown|final)/.test({SHOWN})", timeout=LIMIT)
    page.locator("#canvas-size input").click()
    page.get_by_role("option", name=f"{SIDE} × {SIDE}, square").click()
    page.wait_for_function(f"() => document.querySelector('#canvas .strokes').width === {SIDE}", timeout=LIMIT)
    page.evaluate(WATCH)
    waits = [_stroke(page, i, 0.2 + 0.6 * i / (strokes + 1), 0) for i in range(strokes + 1)]
    slow = [_stroke(page, i, 0.25 + 0.6 * i / (strokes + 1), SLOW) for i in range(strokes)]
    return {"canvas.stroke_s": statistics.median(waits[1:]), "canvas.slow_stroke_s": statistics.median(slow)}


def _stroke(page: Page, number: int, height: float, milliseconds: int) -> float:
    """The seconds from one stroke, at a share of the canvas's height, to its sketch."""
    page.wait_for_timeout(1000)
    page.wait_for_function(f"() => {SHOWN}.startsWith('final')", timeout=LIMIT)
    page.locator("#canvas .list button").nth(7 * (number + 1)).click()
    box = page.locator("#canvas .strokes").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * height
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, MOVES + 1):
        page.wait_for_timeout(milliseconds / MOVES)
        page.mouse.move(x + box["width"] * 0.5 * i / MOVES, y)
    page.mouse.up()
    page.wait_for_function(WAITED, timeout=LIMIT)
    return page.evaluate(WAITED)
