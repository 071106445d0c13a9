"""Values of components that draw themselves travel as one string, and come out as they went in."""

import json

import gradio as gr

from pdm.ui.components.picture_grid import PictureGrid, pictures


def test_a_value_is_one_string_on_the_wire_and_the_same_behind_it():
    value = pictures(None, [], empty="nothing <here>")
    with gr.Blocks() as page:
        grid = PictureGrid(value)
    sent = next(c for c in page.config["components"] if c["id"] == grid._id)["props"]["value"]
    assert isinstance(sent, str) and json.loads(sent) == value
    assert json.loads(grid.postprocess(pictures(None, []))) == pictures(None, [])
