"""The named endpoints, through the client a script would use."""

import subprocess
import sys

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image

from pdm.pipelines.recipe import read_recipe
from tests.ui.app_server import ROOT, free_port


@pytest.fixture(scope="module")
def client(app_url):
    return Client(app_url, verbose=False)


def generate(client, **changes):
    request = dict(
        model="fashion-mnist", method="pdm", prototypes=[], weights=[], count=2, seed=5, steps=3, guidance=1.5
    )
    return client.predict(**{**request, **changes}, api_name="/generate")


def test_only_the_documented_endpoints_are_public(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    edits = {"/edit", "/undo", "/redo", "/save_set", "/load_set"}
    assert set(named) == {"/models", "/prototypes", "/generate", "/compare", "/paint"} | edits


def test_models_and_prototypes_describe_what_ships(client):
    (model,) = [m for m in client.predict(api_name="/models") if m["name"] == "fashion-mnist"]
    assert model["prototypes"] == 64 and set(model["methods"]) == {"pdm", "rdm", "unconditional"}
    prototypes = client.predict(model="fashion-mnist", api_name="/prototypes")
    assert [p["id"] for p in prototypes] == list(range(64))
    assert len({p["name"] for p in prototypes}) == 64
    assert sum(p["share"] for p in prototypes) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_a_picture_is_made_again_from_the_recipe_inside_it(client, method):
    files, _ = generate(client, method=method, count=3)
    recipe = read_recipe(files[2])
    assert (recipe.method, recipe.seed, recipe.steps) == (method, 7, 3)
    again, _ = generate(client, method=method, count=1, seed=recipe.seed, steps=recipe.steps)
    difference = np.abs(np.asarray(Image.open(files[2]), int) - np.asarray(Image.open(again[0]), int))
    assert np.median(difference) <= 1 and difference.mean() < 3  # another batch size rounds differently in bfloat16


def test_the_student_paints_in_the_steps_it_was_tuned_for_and_the_recipe_says_so(client):
    for steps, sampler in ((1, "student"), (2, "student"), (3, "dpm++2m"), (4, "student")):
        files, _ = generate(client, count=1, steps=steps)
        assert read_recipe(files[0]).sampler == sampler


def test_weights_are_normalised_and_reported(client):
    _, recipe = generate(client, prototypes=[3, 17], weights=[7, 3])
    assert recipe["weights"] == [0.7, 0.3]
    assert recipe["conditions"][0] == [[3, 0.7], [17, 0.3]]


def test_the_prototypes_asked_for_change_the_picture(client):
    first, _ = generate(client, prototypes=[0], count=1)
    second, _ = generate(client, prototypes=[40], count=1)
    assert (np.asarray(Image.open(first[0])) != np.asarray(Image.open(second[0]))).mean() > 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 65}, "count: expected a whole number from 1 to 64, got 65"),
        ({"count": 0}, "count"),
        ({"count": "many"}, "count"),
        ({"steps": 101}, "steps: expected a whole number from 1 to 100, got 101"),
        ({"seed": -1}, "seed"),
        ({"guidance": 11}, "guidance: expected a number from 0 to 10, got 11"),
        ({"method": "gan"}, "method: expected one of pdm, rdm, unconditional"),
        ({"model": "../secrets"}, "model: expected one of"),
        ({"prototypes": [64]}, "prototypes: expected whole numbers from 0 to 63, got 64"),
        ({"prototypes": [1, 1]}, "each only once"),
        ({"prototypes": "abc"}, "prototypes: expected a list"),
        ({"prototypes": [1, 2], "weights": [1]}, "weights: expected 2"),
        ({"prototypes": [1, 2], "weights": [0, 0]}, "sum to 0"),
        ({"weights": [1]}, "weights"),
        ({"method": "rdm", "prototypes": [1]}, "prototypes: expected none"),
    ],
)
def test_a_wrong_value_gets_a_message_that_names_the_field(client, changes, message):
    with pytest.raises(Exception) as error:
        generate(client, **changes)
    assert message in str(error.value)


def test_compare_returns_both_and_what_they_cost(client):
    pdm, rdm, measured = client.predict(
        model="fashion-mnist", count=2, seed=1, steps=3, guidance=1.0, api_name="/compare"
    )
    assert len(pdm) == len(rdm) == 2
    assert read_recipe(pdm[0]).method == "pdm" and read_recipe(rdm[0]).method == "rdm"
    assert measured["rdm"]["bytes"]["disk"] >= 100 * measured["pdm"]["bytes"]["disk"]
    assert measured["pdm"]["condition_ms"] > 0 and measured["rdm"]["denoise_ms"] > 0


def test_private_events_cannot_be_called_by_name(client):
    with pytest.raises(ValueError, match="Cannot find"):
        client.predict(api_name="/on_open")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "nothing"], "model: expected one of"),
    ],
)
def test_wrong_options_end_in_one_line_and_exit_code_2(options, message):
    result = subprocess.run(
        [sys.executable, "app.py", "--port", str(free_port()), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 2
    assert message in result.stderr and "Traceback" not in result.stderr


def test_a_port_in_use_ends_in_one_line(app_url):
    port = app_url.rsplit(":", 1)[1]
    result = subprocess.run(
        [sys.executable, "app.py", "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert result.returncode == 2
    assert f"port {port}: expected a free one" in result.stderr and "Traceback" not in result.stderr
