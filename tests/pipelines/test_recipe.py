"""A recipe survives JSON and PNG unchanged, and holds nothing that no picture can have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.methods import METHODS
from pdm.pipelines.recipe import PNG_KEY, Recipe, png_bytes, read_recipe, save_png


@st.composite
def recipes(draw) -> Recipe:
    finite = st.floats(0, 1e6, allow_nan=False)
    ids = draw(st.lists(st.integers(0, 10**6), max_size=4))
    weights = draw(st.just([]) | st.lists(finite, min_size=len(ids), max_size=len(ids)))
    return Recipe(
        model=draw(st.text(min_size=1)),
        method=draw(st.sampled_from(list(METHODS))),
        prototypes=ids,
        weights=weights,
        seed=draw(st.integers(0, 2**63 - 1)),
        steps=draw(st.integers(1, 10**6)),
        guidance=draw(finite),
        sampler=draw(st.text(min_size=1)),
        query=draw(st.none() | st.text()),
        prototype_set=draw(st.none() | st.text("0123456789abcdef", min_size=16, max_size=16)),
    )


@given(recipes())
def test_json_gives_the_same_recipe_back(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@given(recipes(), st.sampled_from(["L", "RGB"]), st.integers(0, 2**32 - 1))
def test_a_png_gives_recipe_and_pixels_back(tmp_path_factory, recipe, mode, seed):
    path = tmp_path_factory.mktemp("png") / "picture.png"
    shape = (5, 7) if mode == "L" else (5, 7, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    save_png(Image.fromarray(pixels), path, recipe)
    assert read_recipe(path) == recipe
    assert np.array_equal(np.asarray(Image.open(path)), pixels)


def test_a_recipe_is_read_from_a_json_file_too(tmp_path):
    recipe = Recipe("fashion-mnist", "pdm", [3, 17], [0.7, 0.3], seed=5)
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    assert read_recipe(tmp_path / "recipe.json") == recipe


def test_two_recipes_with_equal_values_are_equal_whatever_sequence_they_came_in():
    assert Recipe("m", "pdm", [1, 2], [0.5, 0.5]) == Recipe("m", "pdm", (1, 2), (0.5, 0.5))


REJECTED = [
    ("model", ""),
    ("model", None),
    ("model", 3),
    ("method", "gan"),
    ("method", None),
    ("method", ["pdm"]),
    ("prototypes", [-1]),
    ("prototypes", [1.0]),
    ("prototypes", [True]),
    ("prototypes", "12"),
    ("prototypes", 3),
    ("weights", [-0.1]),
    ("weights", [float("nan")]),
    ("weights", [float("inf")]),
    ("weights", [10**400]),
    ("weights", ["1"]),
    ("weights", [True]),
    ("weights", None),
    ("weights", [0.5, 0.5]),
    ("seed", -1),
    ("seed", 2**63),
    ("seed", 1.0),
    ("seed", True),
    ("seed", None),
    ("steps", 0),
    ("steps", 2.0),
    ("steps", True),
    ("steps", "10"),
    ("guidance", -1),
    ("guidance", float("nan")),
    ("guidance", float("inf")),
    ("guidance", 10**400),
    ("guidance", "1.5"),
    ("guidance", True),
    ("guidance", None),
    ("sampler", ""),
    ("sampler", None),
    ("query", 3),
    ("query", ["a.png"]),
    ("prototype_set", ""),
    ("prototype_set", "0" * 15),
    ("prototype_set", "G" * 16),
    ("prototype_set", 3),
    ("version", 0),
    ("version", 2),
    ("version", 1.0),
    ("version", None),
]


@pytest.mark.parametrize("field, value", REJECTED)
def test_a_value_that_no_picture_can_have_is_refused_by_the_name_of_its_field(field, value):
    values = {"model": "m", "method": "pdm", "prototypes": [3]} | {field: value}
    with pytest.raises(ValueError, match=f"^{field}: expected .*, got "):
        Recipe.from_dict(values)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "expected JSON"),
        ("{", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected a JSON object, got list"),
        ("null", "expected a JSON object, got NoneType"),
        ('{"model": "m"}', "expected method, got none"),
        ('{"model": "m", "method": "pdm", "colour": "red"}', "got also colour"),
    ],
)
def test_text_that_is_no_recipe_is_refused(text, said):
    with pytest.raises(ValueError, match=f"^recipe: .*{said}"):
        Recipe.from_json(text)


def test_a_file_without_a_recipe_is_refused_by_its_name(tmp_path):
    plain, text, missing = tmp_path / "plain.png", tmp_path / "text.png", tmp_path / "missing.png"
    Image.new("L", (4, 4)).save(plain)
    text.write_text("no picture")
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe\x00")
    for path in (plain, text, missing, broken):
        with pytest.raises(ValueError, match=f"{path.name}: expected a picture"):
            read_recipe(path)


def test_another_programme_finds_the_recipe_in_the_png(tmp_path):
    recipe = Recipe("m", "unconditional", seed=9)
    (tmp_path / "a.png").write_bytes(png_bytes(Image.new("RGB", (4, 4)), recipe))
    with Image.open(tmp_path / "a.png") as image:
        assert image.text[PNG_KEY] == recipe.to_json()
