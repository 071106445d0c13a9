"""A saved canvas opens to the same masks and legend; what no canvas can have is refused in one line."""

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.pipelines.canvas_recipe import CanvasRecipe, masks_of, with_masks
from pdm.pipelines.palette import from_palette
from pdm.pipelines.recipe import Recipe, png_bytes, read_masks, read_recipe, save_png

LEGEND = {1: 25, 3: ([7, 2], [0.25, 0.75]), 4: [8, 9]}


@pytest.fixture
def masks() -> Image.Image:
    indices = np.zeros((8, 12), np.uint8)
    indices[:, 4:], indices[2:5, 2:6], indices[7] = 1, 3, 4
    image = Image.fromarray(indices, "P")
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    return image


def test_a_saved_canvas_opens_to_the_same_masks_legend_and_pixels(masks, tmp_path):
    canvas = CanvasRecipe.of(LEGEND, (8, 12), tiling="windows", tileable=True, soften=2.0)
    recipe = Recipe("m", "pdm", seed=3, canvas=canvas)
    picture = Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12))
    save_png(picture, tmp_path / "canvas.png", recipe, masks)
    again, held = read_recipe(tmp_path / "canvas.png"), read_masks(tmp_path / "canvas.png")
    assert again == recipe and held is not None and held.getpalette() == masks.getpalette()
    assert np.array_equal(np.asarray(Image.open(tmp_path / "canvas.png")), np.asarray(picture))
    painted, before = again.canvas.regions(held), from_palette(masks, LEGEND, soften=2.0)
    assert torch.equal(painted.masks, before.masks)
    assert painted.prototypes == [[25], [7, 2], [8, 9]] and painted.weights == [None, (0.25, 0.75), None]


def test_a_legend_that_names_the_ground_gives_it_back(masks):
    canvas = CanvasRecipe.of({0: 5, **LEGEND}, (8, 12))
    assert canvas.regions(masks).ground == ((5,), None) and CanvasRecipe.from_dict(canvas.to_dict()) == canvas


def test_a_picture_without_a_canvas_has_the_recipe_it_always_had(tmp_path):
    recipe = Recipe("m", "pdm", [1])
    assert "canvas" not in recipe.to_dict() and read_masks_of(recipe) is None


def read_masks_of(recipe: Recipe) -> Image.Image | None:
    return masks_of(png_bytes(Image.new("L", (2, 2)), recipe))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("height", 0),
        ("width", 5000),
        ("legend", "sea"),
        ("legend", [[1, [2]]]),
        ("legend", [[0, [2], []]]),
        ("legend", [[1, [], []]]),
        ("legend", [[1, [2], [0.5, 0.5]]]),
        ("legend", [[1, [2], [float("nan")]]]),
        ("ground", "sea"),
        ("ground", [[1]]),
        ("tiling", "tiles"),
        ("tileable", 1),
        ("soften", -1),
    ],
)
def test_what_no_canvas_can_have_is_refused_in_one_line(field, value):
    with pytest.raises(ValueError) as error:
        Recipe.from_dict({"model": "m", "method": "pdm", "canvas": {"height": 8, "width": 8, field: value}})
    assert str(error.value).startswith(f"{field}: expected") and "\n" not in str(error.value)


@pytest.mark.parametrize("canvas", [3, {}, {"height": 8}, {"height": 8, "width": 8, "depth": 8}])
def test_what_is_no_canvas_is_refused_in_one_line(canvas):
    with pytest.raises(ValueError, match="canvas: expected"):
        Recipe.from_dict({"model": "m", "method": "pdm", "canvas": canvas})


def test_damaged_masks_are_refused_in_one_line_and_those_of_another_size(masks):
    png = png_bytes(Image.new("L", (12, 8)), Recipe("m", "pdm"), masks)
    damaged = png.replace(b"IDAT", b"ID\x00T")
    with pytest.raises(ValueError, match="mask: expected a picture of masks beside the recipe, got a damaged one"):
        masks_of(damaged)
    with pytest.raises(ValueError, match="mask: expected 12 x 9 pixels"):
        CanvasRecipe.of(LEGEND, (9, 12)).regions(masks)
    assert masks_of(with_masks(png[:-30], masks)[:40]) is None  # cut off before it begins
