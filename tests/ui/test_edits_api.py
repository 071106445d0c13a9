"""The endpoints that edit: each client has a set of its own, and everything it generates speaks of that set."""

import json
import shutil

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from pdm.editing.set_file import load_set
from pdm.pipelines.recipe import read_recipe


@pytest.fixture
def client(app_url):
    return Client(app_url, verbose=False)


def edit(client, operation, **arguments):
    return client.predict(operation, json.dumps(arguments), api_name="/edit")


def paint(client, star, seed=5):
    files, recipe = client.predict(prototypes=[star], count=1, seed=seed, steps=3, guidance=1.0, api_name="/generate")
    return np.asarray(Image.open(files[0]), int), files[0], recipe


def test_an_edit_changes_what_is_painted_and_undo_brings_it_back_bit_by_bit(client):
    before, file, recipe = paint(client, 3)
    assert recipe["prototype_set"] is None
    assert edit(client, "move", id=3, point=[0.0, 0.0])["edits"][0].startswith("moved ")
    after, file, recipe = paint(client, 3)
    assert (after != before).mean() > 0.05
    described = client.predict(api_name="/redo")  # nothing to redo: the set as it is
    assert read_recipe(file).prototype_set == recipe["prototype_set"] == described["prototype_set"]
    client.predict(api_name="/undo")
    again, _, recipe = paint(client, 3)
    assert np.array_equal(again, before) and recipe["prototype_set"] is None
    client.predict(api_name="/redo")
    assert np.array_equal(paint(client, 3)[0], after)


def test_untouched_prototypes_paint_the_same_bits_after_an_edit(client):
    before = paint(client, 7)[0]
    edit(client, "merge", ids=[1, 2])
    assert np.array_equal(paint(client, 7)[0], before)


def test_two_clients_do_not_see_each_others_edits(client, app_url):
    other = Client(app_url, verbose=False)
    edit(client, "rename", id=0, name="Mine alone")
    mine, theirs = (c.predict(api_name="/prototypes") for c in (client, other))
    assert mine[0]["name"] == "Mine alone" != theirs[0]["name"]
    assert mine[1:] == theirs[1:]


def test_a_saved_set_is_loaded_by_another_client(client, app_url, tmp_path):
    made = edit(client, "blend", a=3, b=40, t=0.3)
    assert made["prototypes"][-1]["id"] == 64
    file = shutil.copy(client.predict(api_name="/save_set"), tmp_path / "set.safetensors")
    assert load_set(file)[0].digest == made["prototype_set"]
    other = Client(app_url, verbose=False)
    loaded = other.predict(handle_file(file), api_name="/load_set")
    assert loaded["prototypes"] == made["prototypes"]
    assert np.array_equal(paint(client, 64)[0], paint(other, 64)[0])


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("explode", "{}", "operation"),
        ("merge", '{"ids": []}', "ids"),
        ("merge", '{"ids": [0, 99]}', "99"),
        ("split", '{"id": 0, "n": 100}', "n: expected"),
        ("rename", json.dumps({"id": 0, "name": "x" * 10_000}), "name"),
        ("move", '{"id": 0, "vector": [1, 2]}', "vector"),
        ("move", '{"id": 0, "point": [NaN, 0]}', "point"),
        ("remove", json.dumps({"ids": list(range(64))}), "ids"),
        ("move", "[1, 2]", "arguments"),
        ("move", "{", "arguments"),
    ],
)
def test_a_wrong_edit_gets_a_message_and_changes_nothing(client, operation, arguments, message):
    before = client.predict(api_name="/redo")
    with pytest.raises(Exception, match=message) as caught:
        client.predict(operation, arguments, api_name="/edit")
    assert "Traceback" not in str(caught.value) and len(str(caught.value)) < 500
    assert client.predict(api_name="/redo") == before


def test_a_file_that_is_no_set_is_refused(client, tmp_path):
    file = tmp_path / "set.safetensors"
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(Exception, match="expected"):
        client.predict(handle_file(file), api_name="/load_set")
    assert client.predict(api_name="/redo")["edits"] == []
