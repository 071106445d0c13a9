"""The Train tab in a browser: from a folder to a card, with a reload and another app in the middle."""

import re
import shutil
from contextlib import contextmanager

import gradio as gr
import pytest
import torch

from pdm.app.library import Library
from pdm.app.votes import Votes
from pdm.map.projection import save_map
from pdm.ui import page as pages
from pdm.ui.components.map_view import served_files
from tests.command_line import class_folders
from tests.tiny_new import ForkedRuns
from tests.ui.conftest import watch
from tests.ui.guarded_app import served
from tests.ui.page import WAIT, WIDE

# Gradio, served in this process, leaves loops and sockets open, and pandas finds its options old.
pytestmark = pytest.mark.filterwarnings("ignore")

PROGRESS = "document.querySelector('#train-live .progress')"


@pytest.fixture
def assets(saved, prototype_map, tmp_path):
    """A folder of one tiny model, to which another one comes."""
    folder = tmp_path / "assets"
    shutil.copytree(saved, folder / "tiny")
    save_map(prototype_map, folder / "tiny" / "map")
    return folder


@contextmanager
def app(assets, batches):
    """(its address, its models) of an app that was started now."""
    library = Library("tiny", device=torch.device("cpu"), dtype=torch.float32, assets=assets)
    runs = ForkedRuns(assets)
    runs.batches = batches
    gr.set_static_paths(served_files(assets))
    page = pages.build(library, "", Votes(assets.parent / "votes.sqlite"), runs=runs)
    with served(page, training=True) as url:
        yield url, library


@contextmanager
def visit(browser, url, trouble):
    """A page of a new visitor, which is closed before its app ends."""
    page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    watch(page, trouble)
    page.goto(url)
    yield page
    page.close()


def state(page, name):
    page.locator(f"#train-status [data-state={name}]").wait_for(timeout=WAIT)


@pytest.mark.slow
def test_from_a_folder_to_a_card_with_a_reload_and_a_restart_in_the_middle(assets, browser, tmp_path):
    shapes, trouble = class_folders(tmp_path / "my shapes", 10, channels=3), []
    with app(assets, batches=5_000) as (url, _), visit(browser, url, trouble) as page:
        page.get_by_role("tab", name="Train").click()
        page.get_by_label("Folder or zip of images").fill(str(shapes))
        page.get_by_label("Minutes, about").fill("0.01")
        page.click("#train-look")
        state(page, "planned")
        assert " images (bottom " in page.locator("#train-found").inner_text()
        count = int(re.search(r"prototypes +(\d+)", page.locator("#train-plan").inner_text())[1])
        assert page.locator("#train-found img").evaluate("i => i.complete && i.naturalWidth") == 12 * 32
        page.click("#train-start")
        page.locator("#train-live [data-part=denoiser]").wait_for(timeout=WAIT)
        page.reload()
        page.wait_for_function("document.querySelectorAll('#train-live .by-noise polyline').length > 1", timeout=WAIT)
        assert page.locator("#train-live .curve:not(.by-noise .curve)").count() == 2
        page.click("#train-pause")
        state(page, "paused")
    with app(assets, batches=5_000) as (url, library), visit(browser, f"{url}#train", trouble) as page:
        state(page, "paused")
        seen = int(page.locator("#train-live .progress").get_attribute("data-done"))
        page.click("#train-go-on")
        page.wait_for_function(f"Number({PROGRESS}?.dataset.done) > {seen}", timeout=WAIT)
        page.click("#train-finish")
        state(page, "done")
        assert page.locator("#train-live img").count() == 1 and library.names == ["tiny"]
        page.click("#train-open")
        page.locator("#models button[aria-pressed=true][aria-busy=false]", has_text="my-shapes").wait_for(timeout=WAIT)
        assert library.names == ["tiny", "my-shapes"] and library.get("my-shapes").count == count
        page.get_by_role("tab", name="Generate").click()
        page.wait_for_selector("#made .cell", timeout=WAIT)
        assert not (assets / ".new" / "my-shapes").exists()
    assert trouble == []
