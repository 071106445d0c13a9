"""`sample --set`: pictures from an edited set, with its digest in their recipes; wrong sets are one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.editing import edits
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import save_set
from pdm.pipelines.recipe import read_recipe
from tests.command_line import call, done, refused
from tests.sets import tiny_set

QUICK = ("--steps", 2, "--device", "cpu", "--count", 2)


@pytest.fixture(scope="module")
def edited(bank) -> PrototypeSet:
    base = PrototypeSet.of_bank(bank, "tiny", model_hash(bank))
    return edits.mute(edits.add(edits.move(base, 3, torch.ones(16)), torch.eye(16)[0]), [1])


@pytest.fixture
def file(edited, tmp_path) -> Path:
    return save_set(edited, tmp_path / "set.safetensors", ["moved one", "added one", "muted one"])


def pixels(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(folder / f"{i:04d}.png")).astype(int) for i in range(2)])


def test_pictures_come_from_the_set_and_their_recipes_name_it(saved, edited, file, tmp_path, capfd):
    sample = ("sample", "--model", saved, "--guidance", 3, *QUICK)
    line = done(capfd, *sample, "--set", file, "--prototypes", "3,8", "--out", tmp_path / "a")
    assert line == f"wrote 2 pictures, grid.png and recipe.json to {tmp_path / 'a'}"
    recipe = read_recipe(tmp_path / "a" / "0001.png")
    assert (recipe.prototype_set, recipe.prototypes) == (edited.digest, (3, 8))
    done(capfd, *sample, "--set", file, "--prototypes", "3", "--out", tmp_path / "b")
    done(capfd, *sample, "--prototypes", "3", "--out", tmp_path / "c")
    assert read_recipe(tmp_path / "c" / "0000.png").prototype_set is None
    assert abs(pixels(tmp_path / "b") - pixels(tmp_path / "c")).max() > 3
    for name, options in (("d", ("--set", file)), ("e", ())):  # what was not edited is as it was
        done(capfd, *sample, *options, "--prototypes", "5", "--out", tmp_path / name)
    assert np.array_equal(pixels(tmp_path / "d"), pixels(tmp_path / "e"))


def test_without_picks_pictures_are_drawn_from_what_the_set_leaves(saved, file, tmp_path, capfd):
    done(capfd, "sample", "--model", saved, "--set", file, *QUICK, "--out", tmp_path / "out")
    assert read_recipe(tmp_path / "out" / "0000.png").prototypes == ()


def test_help_names_the_option(capfd):
    assert call("sample", "--help") == 0
    assert "--set FILE" in capfd.readouterr().out


def test_a_wrong_set_or_pick_is_one_line_and_writes_nothing(saved, edited, file, tmp_path, capfd):
    other = save_set(replace(edited, model_hash="0" * 16), tmp_path / "other.safetensors")
    wide = save_set(tiny_set(), tmp_path / "wide.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:-9])
    for options, said in (
        (("--set", tmp_path / "missing"), f"{tmp_path / 'missing'}: expected a prototype set, got: No such file"),
        (("--set", tmp_path), f"{tmp_path}: expected a prototype set, got: "),
        (("--set", cut), f"{cut}: prototype set: expected a whole .safetensors file"),
        (("--set", other), "prototype_set: expected a set made with this model"),
        (("--set", wide), "prototype_set: expected vectors as the model's (width 16, on the sphere), got width 5"),
        (("--set", file, "--prototypes", "1"), "prototypes: expected ids that are not muted, got 1"),
        (("--set", file, "--prototypes", "9"), "prototypes: expected an id of this set (0 to 8), got 9"),
        (("--set", file, "--method", "rdm"), "--set: expected --method pdm beside it, got --method rdm"),
        (("--set", file, "--method", "unconditional"), "--set: expected --method pdm beside it"),
        (("--prototypes", "8"), "prototypes: expected whole numbers from 0 to 7, got 8"),
    ):
        assert refused(capfd, "sample", "--model", saved, *options, "--out", tmp_path / "out").startswith(said)
    assert not (tmp_path / "out").exists()
