"""The benchmark of the page as a visitor meets it: a first visit, a pick, a tap on a phone, the map zoomed about."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pdm.experiments.bench.app import app_model
from pdm.experiments.bench.app_probe import started_app
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.browser import LIMIT, MISSING, READY, STARS, browser_page, renderer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

LAPTOP: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 844}
ZOOMS = 200  # steps of the wheel, of pinches and of Fit
MOVES_WITHIN = 60_000  # milliseconds; a page that moves does so long before
KEYS = (
    "page.picture_s",
    "page.moving_s",
    "page.first_mb",
    "page.layout_shift",
    "page.pick_s",
    "page.weight_s",
    "page.tap_s",
    "page.fit_lost",
)
# Before all else of a page: notes, in milliseconds since its address was asked for, when a picture was first in view
# and when pictures first changed by themselves, and by how much what had been shown was shifted.
WATCH = """() => {
  window.seen = {picture: null, moving: null, shift: 0};
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  const inView = tile => {
    const box = tile.getBoundingClientRect(), there = box.width > 8 && box.top < innerHeight && box.bottom > 0;
    return there && getComputedStyle(tile).backgroundImage !== 'none';
  };
  let first = null;
  const look = () => {
    const tiles = [...document.querySelectorAll('.tile')], now = performance.now();
    if (seen.picture === null && tiles.some(inView)) seen.picture = now;
    const row = document.querySelector('#painted .tile')?.style.backgroundPositionY;
    if (row && document.querySelector('#map [data-toured], #map[data-toured]')) {
      first ??= row;
      if (seen.moving === null && row !== first) seen.moving = now;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
ENDED = "() => document.querySelector('#map .turn.shown')"
# Seconds from an act on the Generate tab to the frame that shows eight new pictures.
SKETCHED = """act => new Promise((done, fail) => {
  setTimeout(() => fail(new Error('no picture within a minute')), 60000);
  const sheet = () => document.querySelector('#made .pictures').style.getPropertyValue('--sheet'), before = sheet();
  const start = performance.now(), stop = () => done((performance.now() - start) / 1000);
  const there = () => sheet() !== before && document.querySelectorAll('#made .cell').length === 8;
  const look = () => there() ? requestAnimationFrame(stop) : setTimeout(look, 4);
  if (act.pick !== undefined) document.querySelectorAll('#prototypes button.cell')[act.pick].click();
  else {
    const slider = document.querySelector('#mixer input');
    slider.value = act.weight;
    slider.dispatchEvent(new Event('change'));
  }
  look();
})"""
# From here on: when a finger was lifted, and when eight pictures that were not there then were in view, all of them.
WATCH_TAP = """() => {
  const sheet = () => document.querySelector('#painted .pictures').style.getPropertyValue('--sheet');
  let before = sheet();
  window.lifted = window.shown = null;
  window.addEventListener('pointerup', () => {
    before = sheet();
    window.lifted = performance.now();
    window.shown = null;
  }, true);
  const inView = tile => {
    const box = tile.getBoundingClientRect();
    return box.width > 8 && box.top >= 0 && box.bottom <= innerHeight;
  };
  const look = () => {
    const tiles = [...document.querySelectorAll('#painted .tile')];
    const changed = window.lifted && sheet() !== before && sheet() !== 'none';
    if (changed && tiles.length === 8 && tiles.every(inView) && !window.scrollY) window.shown ??= performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
TAPPED = "() => window.shown && (window.shown - window.lifted) / 1000"
RANGES = "(l => [...l.xaxis.range, ...l.yaxis.range])(document.querySelector('#map .plot')._fullLayout)"


def page(bench: Bench) -> tuple[Numbers, dict]:
    """First visits on a laptop, picks and weights on Generate, taps on a phone, and 200 steps of zooming the map."""
    visits, acts = bench.pick(5, 1), bench.pick(9, 2)
    with browser_page("page") as driven:
        if driven is None:
            return dict.fromkeys(KEYS), {"browser": MISSING}
        browser = driven.context.browser
        assert browser is not None  # it was launched for this
        with started_app(app_model(bench)) as server:
            numbers = page_numbers(browser, server.url, visits, acts, live=bench.pdm.student is not None)
        return numbers, {"visits": visits, "acts": acts, "zooms": ZOOMS, "laptop": LAPTOP, "phone": PHONE} | renderer(
            driven
        )


def page_numbers(browser: Browser, url: str, visits: int, acts: int, *, live: bool) -> Numbers:
    """The numbers of an app that runs. `live`: its model has a student; without one pictures do not follow the hand."""
    with visited(browser, url, LAPTOP) as warm:  # who comes first waits for what is made once
        warm.wait_for_function(READY, timeout=LIMIT)
        warm.wait_for_timeout(3000)
    firsts = [first_visit(browser, url, live=live) for _ in range(visits)]
    numbers: Numbers = {key: _median([first[key] for first in firsts]) for key in KEYS[:4]}
    with visited(browser, f"{url}/#generate", LAPTOP) as opened:
        numbers |= follow_times(opened, acts) if live else dict.fromkeys(("page.pick_s", "page.weight_s"))
    with visited(browser, url, PHONE) as phone:
        numbers["page.tap_s"] = tap_time(phone, acts) if live else None
    with visited(browser, f"{url}/#prototypes", LAPTOP) as opened:
        numbers["page.fit_lost"] = fit_lost(opened, ZOOMS)
    return numbers


@contextmanager
def visited(browser: Browser, url: str, size: ViewportSize) -> Iterator[Page]:
    """The page as somebody who was never here opens it, with a touch screen on what is narrow."""
    context = browser.new_context(viewport=size, has_touch=True, is_mobile=size["width"] < 600)
    opened = context.new_page()
    opened.add_init_script(f"({WATCH})()")
    try:
        opened.goto(url, timeout=LIMIT)
        yield opened
    finally:
        context.close()


def first_visit(browser: Browser, url: str, *, live: bool) -> dict[str, float | None]:
    """Seconds to the first picture in view and to something that moves, megabytes that came, and the layout's shift."""
    with visited(browser, "about:blank", LAPTOP) as opened:
        came = _counted(opened)
        opened.goto(url, timeout=LIMIT)
        opened.wait_for_function(READY, timeout=LIMIT)
        opened.wait_for_function("() => seen.picture", timeout=LIMIT)
        if live:
            opened.wait_for_function(ENDED, timeout=MOVES_WITHIN)
        seen = opened.evaluate("seen")
        return {
            "page.picture_s": seen["picture"] / 1000,
            "page.moving_s": seen["moving"] and seen["moving"] / 1000,
            "page.first_mb": sum(came.values()) / 1e6,
            "page.layout_shift": seen["shift"],
        }


def _counted(opened: Page) -> dict[str, float]:
    """The bytes of each request of a page, as they came over the wire, from here on; of streams as far as they came."""
    came: dict[str, float] = {}
    network = opened.context.new_cdp_session(opened)

    def received(event: dict) -> None:
        came[event["requestId"]] = came.get(event["requestId"], 0) + event["encodedDataLength"]

    network.on("Network.dataReceived", received)
    network.on("Network.loadingFinished", lambda e: came.update({e["requestId"]: e["encodedDataLength"]}))
    network.send("Network.enable")
    return came


def follow_times(opened: Page, acts: int) -> Numbers:
    """On Generate: medians of the seconds from a pick, and from a weight, to eight new pictures; the first warm up."""
    opened.wait_for_selector("#made .cell", timeout=LIMIT)
    picks, weights = [], []
    for i in range(acts + 1):
        opened.wait_for_timeout(300)
        picks.append(opened.evaluate(SKETCHED, {"pick": 3 * i}))
        opened.wait_for_timeout(300)
        weights.append(opened.evaluate(SKETCHED, {"weight": 0.2 + 0.5 * (i % 2) / (1 + i)}) if i else 0)
    return {"page.pick_s": statistics.median(picks[1:]), "page.weight_s": statistics.median(weights[1:])}


def tap_time(phone: Page, taps: int) -> float:
    """On a phone: the median of the seconds from a tap on a star to its pictures, all in view without scrolling."""
    phone.wait_for_function(READY, timeout=LIMIT)
    phone.wait_for_timeout(1000)
    phone.evaluate(WATCH_TAP)
    waits: list[float] = []
    for i in range(taps + 1):
        stars = phone.evaluate(STARS)
        phone.touchscreen.tap(*stars[(7 * i + 5) % len(stars)])
        phone.wait_for_function(TAPPED, timeout=LIMIT)
        waits.append(phone.evaluate(TAPPED))
        phone.wait_for_timeout(400)
    return statistics.median(waits[1:])


def fit_lost(opened: Page, steps: int) -> int:
    """0 where the map, zoomed by wheel, pinch and Fit in random order and fitted at last, is as it was; else 1."""
    opened.wait_for_function(READY, timeout=LIMIT)
    opened.wait_for_timeout(500)
    fitted, touch = opened.evaluate(RANGES), opened.context.new_cdp_session(opened)
    box, draw = opened.locator("#map .plot").bounding_box(), random.Random(0)
    assert box is not None  # the map was drawn
    for _ in range(steps):
        x, y = (box[start] + box[side] * draw.uniform(0.2, 0.8) for start, side in (("x", "width"), ("y", "height")))
        match draw.choice(("wheel", "pinch", "fit")):
            case "wheel":
                opened.mouse.move(x, y)
                opened.mouse.wheel(0, draw.choice((-300, 300)))
            case "pinch":
                _pinch(touch, x, y, draw.choice((0.4, 2.5)))
            case _:
                opened.locator("#map [data-zoom=fit]").click()
    opened.wait_for_timeout(500)
    opened.locator("#map [data-zoom=fit]").click()
    opened.wait_for_timeout(500)
    size = fitted[1] - fitted[0]
    return int(any(abs(a - b) > 1e-6 * size for a, b in zip(opened.evaluate(RANGES), fitted, strict=True)))


def _pinch(touch, x: float, y: float, times: float) -> None:
    """Two fingers round a place move apart, or together, so many times as far."""

    def fingers(apart: float) -> list[dict]:
        return [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers(40)})
    for part in (0.5, 1.0):
        apart = 40 * (1 + part * (times - 1))
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers(apart)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def _median(values: list[float | None]) -> float | None:
    return None if None in values else statistics.median(v for v in values if v is not None)
