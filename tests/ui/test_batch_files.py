"""A batch as files, and a file as a batch: every pixel stays, and a recipe brings the very picture back."""

import base64
import io
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.editing.edits import apply
from pdm.pipelines.recipe import read_recipe, save_png
from pdm.ui.generate.batch_files import packed_contact_sheet, packed_zip
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.shared.session import Batch, BatchHistory, VisitorSets, finished
from tests.one_model import OneModel

HERE = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def moved(studio):
    return apply(studio.base, "move", {"id": 3, "point": [0.0, 0.0]}, studio.edit_context)[0]


@pytest.fixture(scope="module")
def batch(studio, moved) -> Batch:
    asked = Request(prototypes=(3, 5), weights=(0.3, 0.7), count=5, seed=7, steps=2, prototype_set=moved)
    request = resolved(studio, asked)
    *_, last = run(studio, request)
    return finished(studio, request, last)


@pytest.fixture(scope="module")
def tab(studio):
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        return GenerateTab(OneModel(studio), BatchHistory(), sets, model)


@pytest.fixture
def had(studio, moved):
    """A visitor's sets in which the moved prototype was undone."""
    return VisitorSets().put(studio, VisitorSets().history(studio).do("moved", moved).undo())


def test_all_pictures_of_a_batch_are_in_one_zip_enlarged_without_a_blur(studio, batch, tmp_path):
    packed = packed_zip(studio, batch)
    assert packed == packed_zip(studio, batch) and packed["name"] == f"{studio.name}-seed-7.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed["data"]))) as file:
        file.extractall(tmp_path)
    for i in range(5):
        path = tmp_path / f"{studio.name}-seed-7-{i + 1:02d}.png"
        large = np.asarray(Image.open(path))
        assert large.shape == (512, 512) and (large == np.kron(batch.images[i, 0], np.ones((32, 32)))).all()
        assert read_recipe(path) == batch.recipe(studio, i)


def test_a_contact_sheet_shows_them_all_and_has_a_recipe(studio, batch, tmp_path):
    packed, path = packed_contact_sheet(studio, batch), tmp_path / "sheet.png"
    path.write_bytes(base64.b64decode(packed["data"]))
    sheet = np.asarray(Image.open(path))
    assert sheet.shape == (256, 512) and read_recipe(path) == batch.recipe(studio, 0)
    assert (sheet[:128:8, 128:256:8] == batch.images[1, 0]).all() and not sheet[128:, 128:].any()


def test_there_is_nothing_to_download_before_there_are_pictures(tab):
    for handler in (tab.files.on_zip, tab.files.on_sheet):
        with pytest.raises(gr.Error, match="Paint some pictures first"):
            handler(BatchHistory())


def test_a_png_brings_its_recipe_back_and_is_painted_again(studio, batch, tab, had, tmp_path):
    path = tmp_path / "a.png"
    save_png(Image.new("L", (16, 16)), path, batch.recipe(studio, 2))
    views = tab.on_open(str(path), had, studio.name, 3)
    assert views[tab.picks].ids == (3, 5) and views[tab.settings.seed] == 9 and views[tab.settings.count] == 3
    assert tab.settings.locked not in views
    *_, last = tab.on_arrive(views[tab.arriving], BatchHistory(), studio.name, 0, HERE)
    assert (last[tab.made].batch.images == batch.images[2:5]).all()


def test_a_png_that_cannot_be_made_again_says_why_and_no_path(studio, batch, tab, had, tmp_path):
    path, recipe = tmp_path / "a.png", batch.recipe(studio, 0)
    picture = Image.new("L", (16, 16))
    for other, sets, said in (
        (recipe, VisitorSets(), "Load their file first"),
        (replace(recipe, model="another"), had, "made with the model 'another'"),
        (replace(recipe, method="rdm"), had, "by another method"),
        (replace(recipe, prototypes=(99,), weights=(1.0,)), had, "prototypes: expected"),
        (replace(recipe, seed=2**40), had, "seed: expected"),
    ):
        save_png(picture, path, other)
        with pytest.raises(gr.Error, match=said) as error:
            tab.on_open(str(path), sets, studio.name, 3)
        assert str(tmp_path) not in str(error.value)
    picture.save(path)
    for file in (path, None):
        with pytest.raises(gr.Error, match="no recipe inside"):
            tab.on_open(file and str(file), had, studio.name, 3)
