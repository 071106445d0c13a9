"""Laying a map out again on the page: of few images, as UMAP takes a quarter of a minute for the shipped map's."""

from dataclasses import replace

import pytest

from pdm.map.projection import load_map, save_map
from tests.ui.app_server import ROOT, started_app
from tests.ui.map_page import STARS, open_map
from tests.ui.page import WAIT, WIDE, wait_text

IMAGES = 2000
X = f"JSON.stringify([...{STARS}.x])"


@pytest.fixture
def url(tmp_path):
    """The app with the shipped model and the first images of its map."""
    shipped, model = ROOT / "assets" / "fashion-mnist", tmp_path / "assets" / "fashion-mnist"
    model.mkdir(parents=True)
    (model / "pdm").symlink_to(shipped / "pdm")
    whole = load_map(shipped / "map")
    parts = {name: getattr(whole, name)[:IMAGES] for name in ("xy", "features", "labels", "images")}
    save_map(replace(whole, **parts), model / "map")
    with started_app(tmp_path, "--assets", str(tmp_path / "assets")) as url:
        yield url


@pytest.mark.slow
def test_the_map_is_laid_out_again_cancelled_and_taken_back(url, browser):
    page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    page.goto(f"{url}/#generate")
    page.wait_for_selector("#made .cell", timeout=WAIT)
    open_map(page)
    before = page.evaluate(X)
    page.get_by_text("Refit the map").click()
    page.click("#refit")
    wait_text(page, "#refit-line", "starting UMAP|neighbours|graph|layout")
    page.click("#refit-cancel")
    wait_text(page, "#refit-line", "cancelled; everything is as it was")
    assert page.evaluate(X) == before and page.locator("#refit-back").is_disabled()
    page.click("#refit")
    page.wait_for_function(
        "document.querySelector('#refit-line').innerText.includes('laid out with 64')", timeout=300_000
    )
    page.wait_for_function(f"w => {X} !== w", arg=before)
    page.click("#refit-back")
    page.wait_for_function(f"w => {X} === w", arg=before)
    page.close()
