"""The README's moving picture and the Space's thumbnail: python -m pdm.experiments.record_edit [FOLDER].

A star is dragged on the map of the running app, slowly, and the page is photographed on the way. Needs Playwright and
Chromium.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from pdm.experiments.bench.app_probe import started_app
from pdm.experiments.bench.browser import LIMIT, READY, STARS, browser_page
from pdm.pipelines.loading import load_pipeline
from pdm.support.files import atomic_file
from pdm.support.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

MODEL, STAR, TARGET = "emoji", "Smileys & Emotion 7", "People & Body 6"
PAGE_WIDTH, PAGE_HEIGHT = 1360, 900
TOP, HEIGHT = 175, 665  # what is kept of the page
WIDTH = 860  # of the moving picture
THUMBNAIL = (1200, 628)  # what links to a page are shown with
STOPS = 18  # photographs on the way
WAIT = 700  # milliseconds at each, for the pictures of that place
FRAME, LAST = 160, 2500  # milliseconds a photograph is shown


def record(page: Page) -> list[Image.Image]:
    """Photographs of a drag from `STAR` to `TARGET` on an open page of the app, the first and the last at rest."""
    names = load_pipeline(MODEL).bank.names
    page.set_viewport_size({"width": PAGE_WIDTH, "height": PAGE_HEIGHT})
    page.emulate_media(reduced_motion="reduce")  # no star moves by itself
    page.wait_for_selector("#made .cell", timeout=LIMIT)
    page.get_by_role("tab", name="Prototypes", exact=True).click()
    page.wait_for_function(READY, timeout=LIMIT)
    page.wait_for_timeout(1000)
    stars = page.evaluate(STARS)
    (x, y), (to_x, to_y) = stars[names.index(STAR)], stars[names.index(TARGET)]
    page.mouse.click(x, y)
    page.get_by_role("button", name="Paint 8").click()
    page.wait_for_function("() => document.querySelectorAll('#painted .cell').length === 8", timeout=30_000)
    page.wait_for_timeout(2000)
    photographs = [photograph(page)]
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, STOPS + 1):
        page.mouse.move(x + (to_x - x) * i / STOPS, y + (to_y - y) * i / STOPS, steps=3)
        page.wait_for_timeout(WAIT)
        photographs.append(photograph(page))
    page.mouse.up()
    page.get_by_text("One picture, before | after").wait_for(timeout=LIMIT)
    page.wait_for_timeout(2000)
    return [*photographs, photograph(page)]


def photograph(page: Page) -> Image.Image:
    """What is shown of the page."""
    taken = page.screenshot(clip={"x": 0, "y": TOP, "width": PAGE_WIDTH, "height": HEIGHT})
    return Image.open(io.BytesIO(taken)).convert("RGB")


def main(folder: Path) -> int:
    with browser_page("record_edit") as page:
        if page is None:
            return 1
        with started_app(MODEL) as server:
            page.goto(f"{server.url}/#generate", timeout=LIMIT)
            photographs = record(page)
    size = (WIDTH, round(HEIGHT * WIDTH / PAGE_WIDTH))
    first, *rest = (image.resize(size, Image.Resampling.LANCZOS) for image in photographs)
    durations = [LAST // 2, *(FRAME for _ in rest[1:]), LAST]
    with atomic_file(folder / "edit.webp") as part:
        first.save(part, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, quality=60, method=6)
    with atomic_file(folder / "thumbnail.jpg") as part:
        padded = ImageOps.pad(photographs[-1], THUMBNAIL, Image.Resampling.LANCZOS, color="white")
        padded.save(part, "JPEG", quality=85)
    print(f"wrote {len(durations)} photographs to edit.webp and the last one to thumbnail.jpg in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets"))
