"""The Prototypes tab on a page of its own, without a browser."""

from dataclasses import replace

import gradio as gr
import pytest

from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.ui.prototypes import blend_panel, painting, walk_panel
from pdm.ui.prototypes.tab import ExploreTab
from pdm.ui.shared.session import VisitorSets
from tests.one_model import OneModel
from tests.tiny import tiny_denoiser


@pytest.fixture(scope="module")
def guided(bank, studio):
    """A model with a student, and with a guidance of its own other than 1."""
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler(), student=tiny_denoiser(1), guidance_scale=2.0)
    pipeline.set_progress_bar_config(disable=True)
    return replace(studio, name="guided", pdm=pipeline)


@pytest.fixture
def page(guided):
    """The tab on a page of its own: the blocks and the tab."""
    with gr.Blocks() as blocks:
        sets, model = gr.State(VisitorSets()), gr.Dropdown([guided.name], value=guided.name)
        tab = ExploreTab(OneModel(guided), sets, model)
    return blocks, tab


@pytest.fixture
def calls(monkeypatch):
    """The names of the nets' runs."""
    made = []

    def noted(name, function):
        def call(*arguments):
            made.append(name)
            return function(*arguments)

        return call

    for module, name in ((painting, "run"), (walk_panel, "painted"), (blend_panel, "painted")):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    return made
