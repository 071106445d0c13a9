"""A recipe survives JSON and PNG unchanged, and holds nothing that no picture can have."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.data.images import to_pil
from pdm.methods import METHODS
from pdm.pipelines.recipe import PNG_KEY, RARE, Recipe, png_bytes, read_keep, read_recipe, save_png
from pdm.pipelines.start_recipe import StartRecipe, picture_digest
from pdm.sampling.turning import turned
from tests.tiny import seeds


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
        negative=(negative := draw(st.lists(st.integers(0, 99), max_size=2))),
        negative_weights=draw(st.just([]) | st.just([0.5] * len(negative))),
        product=draw(st.booleans()),
        start=draw(st.none() | starts()),
    )


@st.composite
def starts(draw) -> StartRecipe:
    turns = draw(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.floats(0, 180)), max_size=3))
    if draw(st.booleans()):
        return StartRecipe(turns=turns)
    digest = draw(st.text("0123456789abcdef", min_size=16, max_size=16))
    return StartRecipe(digest, draw(st.booleans()), draw(st.floats(0.01, 1)), draw(st.booleans()), turns)


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
    ("negative", [-1]),
    ("negative", "12"),
    ("negative_weights", [0.5]),
    ("negative_weights", [float("nan")]),
    ("product", 1),
    ("product", None),
    ("start", 3),
    ("start", []),
    ("start", {"colour": 1}),
    ("start: ground", {"ground": "photo.png"}),
    ("start: ground", {"keep": True}),
    ("start: ground", {"inverted": True}),
    ("start: ground", {"strength": 0.5}),
    ("start: strength", {"ground": "0" * 16, "strength": 0}),
    ("start: strength", {"ground": "0" * 16, "strength": float("nan")}),
    ("start: keep", {"ground": "0" * 16, "keep": 1}),
    ("start: turns", {"turns": [[1, 200]]}),
    ("start: turns", {"turns": [[1, 20, 3]]}),
    ("start: turns", {"turns": [[1, 20]] * 101}),
    ("start: turns", {"turns": 3}),
    ("version", 0),
    ("version", 2),
    ("version", 1.0),
    ("version", None),
]


@pytest.mark.parametrize("field, value", REJECTED)
def test_a_value_that_no_picture_can_have_is_refused_by_the_name_of_its_field(field, value):
    values = {"model": "m", "method": "pdm", "prototypes": [3]} | {field.split(":")[0]: value}
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


def test_a_recipe_says_nothing_of_what_few_pictures_have():
    assert not set(RARE) & set(Recipe("m", "pdm").to_dict())
    assert Recipe("m", "pdm", negative=[3]).to_dict()["negative"] == [3]


def test_the_mask_of_what_is_kept_lies_in_the_png_in_256_levels(tmp_path):
    path, keep = tmp_path / "a.png", torch.rand(5, 7)
    path.write_bytes(png_bytes(Image.new("RGB", (7, 5)), Recipe("m", "pdm"), keep=keep))
    assert (read_keep(path) - keep).abs().max() <= 0.5 / 255 + 1e-6
    save_png(Image.new("RGB", (7, 5)), path, Recipe("m", "pdm"))
    assert read_keep(path) is None


@pytest.mark.parametrize("keep", [torch.zeros(5, 5), None])
def test_a_mask_that_does_not_fit_its_picture_is_refused(tmp_path, keep):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes(Image.new("L", (7, 5)), Recipe("m", "pdm"), keep=keep) if keep is not None else b"none")
    with pytest.raises(ValueError, match=r"a.png: expected a picture, with its mask if any, got"):
        read_keep(path)


def test_a_painting_starts_again_as_its_recipe_says(pdm_pipeline, images):
    photo, keep = to_pil(images.images[3]), torch.eye(16)
    recipe = StartRecipe(picture_digest(photo), True, 0.75, turns=[(8, 30), (9, 45.5)])
    start = recipe.start(pdm_pipeline, 7, ground=photo, keep=keep)
    one, two, three = (pdm_pipeline.noise(seeds(seed)) for seed in (7, 8, 9))
    assert torch.equal(start.noise, turned(turned(one, two, 30), three, 45.5)) and start.strength == 0.75
    inverted = StartRecipe(picture_digest(photo), inverted=True, strength=0.3).start(pdm_pipeline, 7, ground=photo)
    assert torch.equal(inverted.noise, pdm_pipeline.invert(photo, strength=0.3))
    assert StartRecipe().start(pdm_pipeline, 7).noise is None
    with pytest.raises(ValueError, match="ground: expected the picture with the digest"):
        recipe.start(pdm_pipeline, 7, ground=to_pil(images.images[4]), keep=keep)
    with pytest.raises(ValueError, match="keep: expected a mask"):
        recipe.start(pdm_pipeline, 7, ground=photo)
