"""`sample --recipe`: the picture of a PNG once more; a recipe that holds less than all says so in one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.editing import edits
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import save_set
from pdm.pipelines.recipe import read_recipe, save_png
from tests.command_line import done, refused


@pytest.fixture(scope="module")
def file(bank, tmp_path_factory) -> Path:
    base = PrototypeSet.of_bank(bank, "tiny", model_hash(bank))
    return save_set(edits.move(base, 3, torch.ones(16)), tmp_path_factory.mktemp("set") / "set.safetensors")


@pytest.mark.parametrize("edited", [False, True])
def test_a_picture_is_made_once_more_from_its_recipe(saved, file, tmp_path, capfd, edited):
    more = ("--set", file) if edited else ()
    mix = (
        "--prototypes",
        "3,5",
        "--negative",
        "1",
        "--weights",
        ".7,.3",
        "--steps",
        3,
        "--guidance",
        2.5,
        "--sampler",
        "ddim",
        "--seed",
        9,
    )
    done(capfd, "sample", "--model", saved, "--device", "cpu", *mix, *more, "--count", 3, "--out", tmp_path / "a")
    made = tmp_path / "a" / "0002.png"
    again = ("sample", "--recipe", made, "--device", "cpu", *more, "--out", tmp_path / "b")
    assert done(capfd, *again) == f"wrote 1 pictures, grid.png and recipe.json to {tmp_path / 'b'}"
    there = tmp_path / "b" / "0000.png"
    assert np.array_equal(np.asarray(Image.open(made)), np.asarray(Image.open(there)))
    assert read_recipe(there) == read_recipe(made)


def test_what_a_recipe_needs_besides_is_asked_for_in_one_line(saved, file, tmp_path, capfd):
    done(capfd, "sample", "--model", saved, "--device", "cpu", "--steps", 1, "--count", 1, "--out", tmp_path / "a")
    made, png = tmp_path / "a" / "0000.png", tmp_path / "other.png"
    sample = ("sample", "--device", "cpu", "--out", tmp_path / "b", "--recipe")
    assert "--prototypes: expected none" in refused(capfd, *sample, made, "--prototypes", "3")
    assert "--set: expected none" in refused(capfd, *sample, made, "--set", file)
    assert "recipe" in refused(capfd, *sample, file)
    recipe = read_recipe(made)
    for other, said in (
        (replace(recipe, model="elsewhere/model"), "--model: expected it beside --recipe"),
        (replace(recipe, prototypes=(3,), product=True), "--recipe: expected one of prototypes alone"),
        (replace(recipe, prototype_set="0" * 16), "--set: expected the file of edited ones"),
    ):
        save_png(Image.open(made), png, other)
        assert said in refused(capfd, *sample, png)
    assert "expected the set 0000000000000000" in refused(capfd, *sample, png, "--set", file)
