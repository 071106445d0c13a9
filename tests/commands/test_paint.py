"""`python -m pdm paint`: a mask and a legend become a canvas with its recipe; wrong ones are one line."""

import numpy as np
import pytest
from PIL import Image

from pdm.editing.operations import mute
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import save_set
from pdm.pipelines import canvas
from pdm.pipelines.recipe import read_masks, read_recipe
from tests.command_line import done, refused


@pytest.fixture
def mask(tmp_path):
    indices = np.zeros((20, 40), np.uint8)
    indices[:, 16:] = 1
    Image.fromarray(indices).save(tmp_path / "land.png")
    return tmp_path / "land.png"


@pytest.fixture
def asked(saved, mask, tmp_path):
    def options(**changes) -> list:
        given = {"model": saved, "mask": mask, "legend": "0=5,1=1:0.7+2:0.3", "steps": 2, "device": "cpu"}
        given |= {"out": tmp_path / "painted.png", **changes}
        return ["paint", *(part for name, value in given.items() for part in (f"--{name}", value))]

    return options


def test_a_mask_and_a_legend_become_a_canvas_that_opens_again_as_it_was(asked, mask, tmp_path, capfd):
    line = done(capfd, *asked(size=51, tiling="windows"))
    assert line == (f"wrote 52 x 24 pixels to {tmp_path / 'painted.png'}, rounded from 51 x 26 to multiples of 4")
    recipe, masks = read_recipe(tmp_path / "painted.png"), read_masks(tmp_path / "painted.png")
    assert recipe.canvas is not None and masks is not None
    assert (recipe.canvas.width, recipe.canvas.height, recipe.canvas.tiling) == (52, 24, "windows")
    regions = recipe.canvas.regions(masks)
    assert regions.ground == ((5,), None) and regions.prototypes == [[1, 2]] and regions.weights == [(0.7, 0.3)]
    assert np.asarray(masks)[0].tolist() == [0] * 21 + [1] * 31
    with Image.open(tmp_path / "painted.png") as image:
        assert image.size == (52, 24)


@pytest.mark.parametrize(("options", "soften"), [({}, 0), ({"soften": 3}, 3), ({"tiling": "windows"}, 4)])
def test_the_cells_of_a_mosaic_have_hard_edges_unless_soft_ones_are_asked_for(asked, tmp_path, capfd, options, soften):
    done(capfd, *asked(**{"tiling": "mosaic", **options}))
    recipe = read_recipe(tmp_path / "painted.png")
    assert recipe.canvas is not None and recipe.canvas.soften == soften


def test_rdm_paints_entries_of_its_memory_from_the_same_mask(asked, tmp_path, capfd):
    done(capfd, *asked(method="rdm", legend="1=40", ground="null"))
    recipe = read_recipe(tmp_path / "painted.png")
    assert recipe.method == "rdm" and recipe.canvas is not None and recipe.canvas.ground == "null"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"legend": "0=5"}, "mask: expected indices of the legend (0) and 0, got also [1]"),
        ({"legend": "1=99"}, "regions: region 0: prototypes: expected whole numbers from 0 to 7, got 99"),
        (
            {"legend": "1=99", "method": "rdm"},
            "region 0: entries: expected whole numbers from 0 to 95, got 99",
        ),
        ({"legend": "1:5"}, "argument --legend: expected INDEX=ID with commas between"),
        ({"legend": "1=5,1=6"}, "argument --legend: expected INDEX=ID with commas between"),
        ({"size": 0}, "argument --size: expected a whole number of at least 1"),
        ({"ground": "null"}, "ground: expected none beside a legend that names index 0"),
        ({"soften": -3}, "soften: expected pixels from 0 to 64"),
        ({"out": "painted.jpg"}, "--out painted.jpg: expected a PNG, which holds the recipe"),
    ],
)
def test_wrong_legends_and_options_are_one_line(asked, capfd, changes, message):
    assert message in refused(capfd, *asked(**changes))


def test_what_is_no_mask_and_muted_prototypes_are_one_line(asked, bank, tmp_path, capfd):
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    (tmp_path / "text.png").write_text("none")
    assert "expected an indexed or a grey picture" in refused(capfd, *asked(mask=tmp_path / "photo.png"))
    assert f"--mask {tmp_path / 'text.png'}: " in refused(capfd, *asked(mask=tmp_path / "text.png"))
    base = PrototypeSet.of_bank(bank, "tiny", model_hash(bank))
    save_set(mute(base, [2]), tmp_path / "set.safetensors")
    message = refused(capfd, *asked(set=tmp_path / "set.safetensors"))
    assert "regions: region 0: prototypes: expected ids that are not muted, got 2" in message


def test_a_canvas_above_what_memory_allows_is_refused_before_it_starts(asked, capfd, monkeypatch):
    monkeypatch.setattr(canvas, "LIVE", 10**12)
    assert "size: expected a canvas that fits in" in refused(capfd, *asked())
