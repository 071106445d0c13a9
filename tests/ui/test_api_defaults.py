"""Endpoints speak of the model that the app was started with, whatever it is called."""

import gradio as gr
import pytest

from pdm.ui.api import pictures as api
from tests.one_model import OneModel

WITH_A_MODEL = ["prototypes", "generate", "compare", "paint", "edit", "undo", "redo", "save_set", "load_set"]


@pytest.fixture(scope="module")
def blocks(studio):
    with gr.Blocks() as blocks:
        api.build(OneModel(studio))
    return blocks


@pytest.mark.parametrize("name", WITH_A_MODEL)
def test_the_signature_names_the_model_the_app_was_started_with(blocks, name):
    parameters = blocks.get_api_info()["named_endpoints"][f"/{name}"]["parameters"]
    (model,) = [p for p in parameters if p["parameter_name"] == "model"]
    assert (model["parameter_has_default"], model["parameter_default"]) == (True, "tiny")
    assert "asker" not in {p["parameter_name"] for p in parameters}


def test_a_call_that_names_no_model_is_about_that_one(blocks):
    asker = gr.Request(session_hash="a client")
    functions = {f.api_name: f.fn for f in blocks.fns.values()}
    assert [p["id"] for p in functions["prototypes"](asker)] == list(range(8))
    assert functions["edit"](asker, "rename", '{"id": 0, "name": "Mine"}')["prototypes"][0]["name"] == "Mine"
    assert functions["undo"](asker)["edits"] == [] and functions["redo"](asker)["edits"] == ["renamed bottom 1 to Mine"]
