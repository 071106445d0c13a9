"""The benchmark in a real browser: from a dragged star to its pictures, and a map of 60,000 points."""

from __future__ import annotations

import math
import re
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pdm.experiments.bench.app import app_model
from pdm.experiments.bench.app_probe import started, started_app
from pdm.experiments.bench.bench import Bench, Numbers

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

WINDOW: ViewportSize = {"width": 1360, "height": 950}
FLAGS = ["--no-sandbox", "--disable-background-networking", "--enable-unsafe-swiftshader"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "needs Playwright (pip install -r requirements-dev.txt) and Chromium (apt-get install chromium)"
LIMIT = 120_000  # milliseconds to wait for anything on the page
SOFTWARE = re.compile("swiftshader|llvmpipe|software", re.IGNORECASE)

RENDERER = """() => {
  const gl = document.createElement('canvas').getContext('webgl'), info = gl?.getExtension('WEBGL_debug_renderer_info');
  return gl ? gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER) : 'software, no WebGL';
}"""
READY = "() => Boolean(document.querySelector('#map.ready, #map .ready'))"
# From the click that makes the server send the map to the second frame after it was drawn.
PAINT = """() => new Promise(done => {
  const start = performance.now(), ready = () => document.querySelector('#map.ready, #map .ready');
  const stop = () => done((performance.now() - start) / 1000);
  const shown = () => requestAnimationFrame(() => requestAnimationFrame(stop));
  const look = () => ready() ? shown() : setTimeout(look, 4);
  document.querySelector('#show').click();
  look();
})"""
# The lengths of the frames during which the pointer moved, from here on.
WATCH_FRAMES = """() => {
  let last = performance.now(), moved = false;
  window.frames_ms = [];
  window.addEventListener('mousemove', () => { moved = true; }, true);
  const next = () => {
    const now = performance.now();
    if (moved) window.frames_ms.push(now - last);
    last = now;
    moved = false;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""
TAKE_FRAMES = "() => window.frames_ms.splice(0)"
STARS = """() => {
  const host = document.querySelector('#map .plot'), box = host.getBoundingClientRect();
  const {xaxis, yaxis} = host._fullLayout;
  const t = host.data.find(t => t.name === 'stars');
  return t.x.map((x, i) => [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(t.y[i])]);
}"""
# Notes when a button was released, and each time that the strip of pictures changed.
WATCH_STRIP = """() => {
  const strip = document.querySelector('#painted .pictures'), sheet = () => strip.style.getPropertyValue('--sheet');
  const live = () => document.querySelector('#painted-title')?.textContent.includes('While you drag');
  let shown = sheet();
  window.released = null;
  window.changes = [];
  window.addEventListener('pointerup', () => {
    window.released = performance.now();
    window.changes = [];
  }, true);
  new MutationObserver(() => {
    if (sheet() === shown) return;
    shown = sheet();
    const {changes} = window;
    // What comes under the title of a drag is of a place that the star was dragged past; a title may come a frame late.
    requestAnimationFrame(() => {
      const at = performance.now();
      setTimeout(() => { if (!live()) changes.push(at); }, 50);
    });
  }).observe(strip, {attributes: true});
}"""
# Seconds from a click on Generate to the frame that shows its finished pictures.
CLICK = """() => new Promise((done, fail) => {
  setTimeout(() => fail(new Error('no picture within a minute')), 60000);
  const line = () => document.querySelector('#generate-status .status')?.textContent ?? '';
  const before = line(), start = performance.now(), stop = () => done((performance.now() - start) / 1000);
  const look = () => /Seed/.test(line()) && line() !== before ? requestAnimationFrame(stop) : setTimeout(look, 4);
  document.querySelector('#generate').click();  // each run draws another seed
  look();
})"""
WAITS = "() => window.changes.map(at => (at - window.released) / 1000)"


def prototype_map(bench: Bench) -> tuple[Numbers, dict]:
    """The map with the shipped images repeated up to 60,000 points: its first paint, and frames while it is used."""
    points, moves = bench.pick(60_000, 10_000), bench.pick(120, 10)
    with browser_page("map") as page:
        if page is None:
            return {"map.paint_s": None, "map.frame_ms": None}, {"browser": MISSING}
        probe = ("-m", "pdm.ui.map_probe", str(bench.assets.resolve()), "--points", str(points))
        with started(*probe) as server:
            page.goto(server.url, timeout=LIMIT)
            return map_times(page, moves), {"points": points, "moves": moves} | renderer(page)


def map_times(page: Page, moves: int) -> Numbers:
    """On an open page of `pdm.ui.map_probe`: seconds to the first paint, and the slower of two medians of frames."""
    page.wait_for_function("() => document.querySelector('#show') && window.Plotly", timeout=LIMIT)
    paint = page.evaluate(PAINT)
    box = page.locator("#map .plot").bounding_box()
    assert box is not None  # the map was painted
    page.evaluate(WATCH_FRAMES)
    hover = _frame(page, moves, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    x, y = box["x"] + 20, box["y"] + 20  # a corner: no star lies under the press
    page.mouse.move(x, y)
    page.mouse.down()
    pan = _frame(page, moves, x + box["width"] / 4, y + box["height"] / 4)
    page.mouse.up()
    return {"map.paint_s": paint, "map.frame_ms": max(hover, pan), "map.hover_ms": hover, "map.pan_ms": pan}


def _frame(page: Page, moves: int, x: float, y: float) -> float:
    """The median length in ms of the frames in which the pointer moves, on a circle round (x, y)."""
    page.mouse.move(x + 180, y)
    page.evaluate(TAKE_FRAMES)
    for i in range(moves):
        page.mouse.move(x + 180 * math.cos(i / 7), y + 180 * math.sin(i / 7))
    return statistics.median(page.evaluate(TAKE_FRAMES))


def click(bench: Bench) -> tuple[Numbers, dict]:
    """One picture in two steps: seconds from the click on Generate to its pixels on the page."""
    key, clicks = "speed.click_to_pixels_s", bench.pick(15, 2)
    with app_page(bench, key) as page:
        if page is None:
            return {key: None}, {"browser": MISSING}
        return click_times(page, clicks), {"clicks": clicks} | renderer(page)


def click_times(page: Page, clicks: int) -> Numbers:
    """On an open page of the app: the median of the seconds from a click to a new finished picture."""
    page.wait_for_selector("#made .cell", timeout=LIMIT)
    page.get_by_text("Settings", exact=True).first.click()
    for label, value in (("Pictures", 1), ("Steps", 2)):
        field = page.get_by_role("spinbutton", name=re.compile(label)).first
        for _ in range(20):  # a panel that was just opened may reset it
            field.fill(str(value))
            field.press("Enter")
            page.wait_for_timeout(300)
            if field.input_value() == str(value):
                break
        else:
            raise ValueError(f"page: expected {label} to keep {value}, got {field.input_value()}")
    waits = []
    for _ in range(clicks + 2):
        page.wait_for_timeout(400)  # a click is dropped while the event before it is not quite over
        waits.append(page.evaluate(CLICK))
    return {"speed.click_to_pixels_s": statistics.median(waits[2:])}  # the first two warm up


def preview(bench: Bench) -> tuple[Numbers, dict]:
    """A star of the app's map is dragged: seconds from its release to pictures of what it paints there."""
    key, drags = "edits.preview_s", bench.pick(5, 1)
    with app_page(bench, key) as page:
        if page is None:
            return {key: None}, {"browser": MISSING}
        times = preview_times(page, drags, student=bench.pdm.student is not None)
        return times, {"drags": drags} | renderer(page)


def preview_times(page: Page, drags: int, *, student: bool) -> Numbers:
    """On an open page of the app: medians of the seconds to eight pictures, and to those that replace them at last.

    The first are the student's; without one they are still noisy, and only the last ones, the denoiser's, count.
    """
    page.wait_for_selector("#made .cell", timeout=LIMIT)
    page.emulate_media(reduced_motion="reduce")  # no star moves by itself
    page.get_by_role("tab", name="Prototypes", exact=True).click()
    page.wait_for_function(READY, timeout=LIMIT)
    page.evaluate("() => document.querySelector('#map').scrollIntoView({block: 'center'})")  # all of its stars
    page.wait_for_timeout(500)  # what comes in above the map moves it
    page.evaluate(WATCH_STRIP)
    waits = []
    for i in range(drags):
        stars = page.evaluate(STARS)
        _drag(page, stars[i], stars[(i + len(stars) // 2) % len(stars)])
        page.wait_for_function("() => window.changes.length", timeout=LIMIT)
        page.get_by_text("One picture, before | after").wait_for(timeout=LIMIT)  # comes last, and is hidden by an edit
        page.wait_for_timeout(100)
        waits.append(page.evaluate(WAITS))
    first, last = (statistics.median(wait[k] for wait in waits) for k in (0, -1))
    return {"edits.preview_s": first if student else last, "edits.final_s": last}


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    time.sleep(0.2)  # a hand comes to rest before it lets go
    page.mouse.up()


def renderer(page: Page) -> dict:
    """What draws in this browser, and whether that is software."""
    name = page.evaluate(RENDERER)
    return {"renderer": name, "software": bool(SOFTWARE.search(name))}


@contextmanager
def app_page(bench: Bench, what: str) -> Iterator[Page | None]:
    """`browser_page` with the app open on it, which runs for as long."""
    with browser_page(what) as page:
        if page is None:
            yield None
            return
        with started_app(app_model(bench)) as server:
            page.goto(f"{server.url}/#generate", timeout=LIMIT)
            yield page


@contextmanager
def browser_page(what: str) -> Iterator[Page | None]:
    """A page of a new browser; None where there is no browser to drive, as `browser_path` says."""
    path = browser_path(what)
    if path is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser.new_page(viewport=WINDOW)
        finally:
            browser.close()


def browser_path(what: str) -> str | None:
    """A browser that can be driven; None, and one line that says how to get one, where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None or find_spec("playwright") is None:
        print(f"bench: {what} {MISSING}", flush=True)
        return None
    return path
