"""/paint: a mask and its prototypes become one picture, and what is neither is refused in one line."""

import base64
import io
import json

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from pdm.editing.edits import apply
from pdm.pipelines.recipe import PNG_KEY, read_masks
from pdm.ui.api.canvas import _price, paint_endpoint
from pdm.ui.api.clients import Clients
from tests.one_model import OneModel

ASKER = gr.Request(session_hash="a client")


def text(indices, mode="P", kind="PNG"):
    buffer = io.BytesIO()
    image = Image.fromarray(np.asarray(indices, np.uint8), mode)
    if mode == "P":
        image.putpalette(range(48))
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def halves(first=0, second=1, width=64, height=64):
    pixels = np.full((height, width), first, np.uint8)
    pixels[:, width // 2 :] = second
    return pixels


MASK = text(halves())


@pytest.fixture
def clients():
    return Clients()


@pytest.fixture
def paint(studio, clients):
    return paint_endpoint(OneModel(studio), clients)


def opened(file):
    return Image.open(file["path"])


def test_a_mask_becomes_a_picture_with_what_made_it_inside(paint):
    file, recipe = paint(ASKER, MASK, [3, 5], seed=4, steps=2)
    image = opened(file)
    assert image.size == (64, 64) and file["orig_name"] == "tiny-canvas-64x64-4.png"
    assert json.loads(image.info[PNG_KEY]) == recipe
    canvas = recipe["canvas"]
    assert (canvas["legend"], canvas["ground"]) == ([[1, [3], []], [2, [5], []]], "table")
    assert (recipe["seed"], recipe["steps"]) == (4, 2)
    again, _ = paint(ASKER, f"data:image/png;base64,{MASK}", [3, 5], seed=4, steps=2)
    assert np.array_equal(np.asarray(image), np.asarray(opened(again)))


def test_colours_of_one_prototype_are_one_and_some_may_be_the_ground(paint):
    file, recipe = paint(ASKER, text(halves(2, 1)), [-1, 3, -1], steps=1)
    assert recipe["canvas"]["legend"] == [[1, [3], []]]
    assert np.array_equal(np.asarray(read_masks(file["path"])), halves(0, 1))
    assert paint(ASKER, text(halves(1, 0)), [3, 3], steps=1)[1]["canvas"]["legend"] == [[1, [3], []]]


def test_size_is_the_longer_side_of_what_is_painted(paint):
    file, recipe = paint(ASKER, text(halves(width=128, height=64)), [3, 5], size=192, steps=1)
    assert paint(ASKER, text(halves(width=65)), [3, 5], steps=1)[1]["canvas"]["width"] == 64  # rounded, and said
    assert opened(file).size == (192, 96) == (recipe["canvas"]["width"], recipe["canvas"]["height"])


def test_on_a_picture_of_ones_own_what_is_kept_stays(paint):
    mine = halves(0, 200)
    file, recipe = paint(ASKER, MASK, [-1, 5], steps=2, ground=text(mine, "L"), keep=True)
    made = np.asarray(opened(file)).astype(int)
    assert np.abs(made - mine)[:, :30].max() <= 2 and np.abs(made - mine)[:, 40:].mean() > 5
    assert (recipe["start"]["keep"], recipe["start"]["strength"]) == (True, 1.0)
    _, recipe = paint(ASKER, MASK, [-1, 5], steps=2, ground=text(mine, "L"), strength=0.5)
    assert (recipe["start"]["keep"], recipe["start"]["strength"]) == (False, 0.5)


def test_the_sessions_own_prototypes_are_painted_with(paint, clients, studio):
    muted = apply(studio.base, "mute", {"ids": [5]}, studio.edit_context)[0]
    clients.change(ASKER, lambda sets: (sets.put(studio, sets.history(studio).do("muted", muted)), None))
    with pytest.raises(gr.Error, match="legend: expected prototypes that are not muted"):
        paint(ASKER, MASK, [3, 5], steps=1)
    assert paint(gr.Request(session_hash="another"), MASK, [3, 5], steps=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": None}, "mask: expected a palette PNG as base64"),
        ({"mask": "%%%"}, "mask: expected PNG as base64"),
        ({"mask": "AAAA"}, "mask: expected PNG as base64"),
        ({"mask": "A" * 1_500_004}, "mask: expected at most 1500000 characters"),
        ({"mask": MASK[: len(MASK) // 8 * 4]}, "mask: expected"),
        ({"mask": text(np.zeros((64, 64, 3)), "RGB")}, "mask: expected an indexed or a grey picture"),
        ({"mask": text(halves(), "L", "BMP")}, "mask: expected PNG as base64"),
        ({"mask": text(halves(width=1032))}, "mask: expected at most 1024 pixels a side, got 1032 x 64"),
        ({"mask": text(halves(width=62))}, "mask: width: expected a whole number from 64 to 1024, got 62"),
        ({"prototypes": [3]}, "mask: expected colours from 0 to 0"),
        ({"prototypes": []}, "mask: expected colours from 0 to -1"),
        ({"prototypes": [3, 8]}, "prototypes: expected ids of this set, 0 to 7, got 8"),
        ({"prototypes": [3, -2]}, "legend: expected whole numbers from 0"),
        ({"prototypes": [3, "x"]}, "legend: expected whole numbers from 0"),
        ({"prototypes": [3, [5]]}, "legend: expected whole numbers from 0"),
        ({"prototypes": "35"}, "prototypes: expected a list"),
        ({"prototypes": [1] * 300}, "prototypes: expected at most 256"),
        ({"size": 63}, "size: expected a whole number from 64 to 1024, got 63"),
        ({"size": "x"}, "size: expected a whole number"),
        ({"seed": -1}, "seed: expected"),
        ({"steps": 101}, "steps: expected"),
        ({"guidance": 11}, "guidance: expected"),
        ({"ground": "%"}, "ground: expected PNG or JPEG or WEBP as base64"),
        ({"ground": ["table"]}, "ground: expected one of table, null, or a picture as base64"),
        ({"ground": MASK, "strength": 0}, "strength: expected a number above 0 and up to 1"),
        ({"ground": MASK, "keep": 1}, "keep: expected true or false"),
        ({"keep": True}, "ground: expected a picture beside keep or a strength, got none"),
        ({"strength": 0.5}, "ground: expected a picture beside keep or a strength, got none"),
        ({"tileable": 1}, "tileable: expected true or false"),
        ({"model": "none"}, "model: expected one of tiny"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(paint, change, message):
    asked = {"mask": MASK, "prototypes": [3, 5], "steps": 1} | change
    with pytest.raises(gr.Error) as error:
        paint(ASKER, **asked)
    said = error.value.message
    assert message in said and "\n" not in said and len(said) < 200


def test_the_price_is_that_of_as_many_pictures_before_anything_is_opened(studio):
    library = OneModel(studio)
    assert _price(library, text(halves(width=128)), "tiny", None, 10, 1) == 32 * 10
    assert _price(library, f"data:image/png;base64,{MASK}", "tiny", 128, 10, None) == 64 * 10 * 2
    assert _price(library, MASK, "not loaded", 1024, 10, 1) == 1024 * 10
    for wrong in (None, 5, "", "%%%", [MASK]):
        assert _price(library, wrong, "tiny", None, 1, 1) >= 1
