"""Whatever runs a net, on any tab or by an endpoint, waits in one line: pictures are made one request at a time."""

import inspect
from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.app.votes import Votes
from pdm.ui.api import pictures as api
from pdm.ui.compare.tab import CompareTab
from pdm.ui.generate.sketch import Sketch
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.guard.turns import GATED, Before, queued
from pdm.ui.judge.tab import BlindTab
from pdm.ui.prototypes.painting import Painting
from pdm.ui.prototypes.tab import ExploreTab
from pdm.ui.shared.session import BatchHistory, Picks, VisitorSets
from tests.one_model import OneModel

PAINT = {
    "GenerateTab.on_generate",
    "GenerateTab.on_repeat",
    "GenerateTab.on_arrive",
    "WhyPanel.on_look",
    "Sketch.on_mixing",
    "Sketch.on_sketch",
    "XYPanel.on_asked",
    "XYPanel.on_paint",
    "StarLooks.on_chosen",
    "StarLooks.on_peek",
    "Painting.on_dragging",
    "Painting.on_drop",
    "Painting.on_paint",
    "Painting.on_preview",
    "BlendPanel.on_film",
    "WalkPanel.on_walk",
    "CompareTab.on_compare",
    "CompareTab.on_first",
    "BlindTab.on_next",
    "BlindTab.on_follow",
    "generate",
    "compare",
    "paint",
}


def handler(function) -> str:
    """Class and name of a method, or a function's name."""
    function = inspect.unwrap(function) if callable(function) else function
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    return f"{type(owner).__name__}.{name}" if owner is not None else name


@pytest.fixture(scope="module")
def events(studio, tmp_path_factory):
    """(handler, event) of all tabs and endpoints, on one page."""
    library = OneModel(studio)
    with gr.Blocks() as blocks:
        api.build(library)
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        GenerateTab(library, BatchHistory(), sets, model)
        ExploreTab(library, sets, model)
        CompareTab(library, sets, model).open_on(model.change)
        votes = Votes(tmp_path_factory.mktemp("votes") / "votes.sqlite")
        BlindTab(library, votes, model).open_on(model.change)
    return [(handler(event.fn), event) for event in blocks.fns.values()]


def test_events_that_run_a_net_wait_at_the_gate_and_nothing_else_does(events):
    assert {name for name, event in events if hasattr(event.fn, GATED)} == PAINT


def test_what_waits_at_the_gate_is_held_up_by_nothing_before_it(events):
    assert {event.concurrency_limit for name, event in events if name in PAINT} == {None}


def test_the_price_of_a_sketch_loads_no_model():
    """It is asked for where all visitors would wait."""
    library = SimpleNamespace(names=["other"], loaded=lambda name: None)  # it has no `get`
    assert Sketch._price(SimpleNamespace(library=library), Picks(), VisitorSets(), "other", 1.0, 1, False) == 1.0
    painting = SimpleNamespace(visit=SimpleNamespace(library=library))
    assert Painting.sketch_price(painting, VisitorSets(), "other") == 1.0
    assert Painting._live_price(painting, VisitorSets(), "other", SimpleNamespace(id=1)) == 1.0


def test_whoever_waits_is_told_how_many_are_before_and_for_how_long(events):
    quiet = {name for name, event in events if hasattr(event.fn, GATED) and not inspect.isasyncgenfunction(event.fn)}
    scripts = {"generate", "compare", "paint"}
    hands = {"Painting.on_dragging", "Painting.on_drop", "Sketch.on_mixing", "Sketch.on_sketch"}  # which go on
    assert quiet == {*hands, "StarLooks.on_chosen", "StarLooks.on_peek", *scripts}
    assert queued(Before.of(2, None)) == "2 before you" and queued(Before.of(0, 3.0)) == "starting"
    said = [queued(Before.of(2, s)) for s in (0.2, 7.4, 23, 100)]
    assert said == [f"2 before you, about {n} s" for n in (1, 7, 25, 90)]
