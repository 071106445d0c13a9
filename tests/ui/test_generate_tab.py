"""Handlers of Generate and Compare: what may be picked, what may be clicked, and steps that no student paints in."""

from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.editing.edits import apply
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.ui.compare.tab import CompareTab
from pdm.ui.components.picture_grid import pictures
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.model_choice import of_model
from pdm.ui.shared.session import Batch, BatchHistory, Picks, VisitorSets
from tests.one_model import OneModel
from tests.tiny import tiny_denoiser

HERE = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def quick(bank, studio):
    """A model with a student."""
    pipeline = PDMPipeline(tiny_denoiser(), bank, make_scheduler(), student=tiny_denoiser(1))
    pipeline.set_progress_bar_config(disable=True)
    return replace(studio, name="quick", pdm=pipeline)


@pytest.fixture(scope="module")
def tabs(quick):
    """The Generate and the Compare tab on one page."""
    library = OneModel(quick)
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([quick.name], value=quick.name)
        return GenerateTab(library, BatchHistory(), sets, model), CompareTab(library, sets, model)


@pytest.fixture
def muted(quick):
    """A visitor's sets in which prototype 3 is muted."""
    prototypes, said = apply(quick.base, "mute", {"ids": [3]}, quick.edit_context)
    return VisitorSets().put(quick, VisitorSets().history(quick).do(said, prototypes))


@pytest.fixture
def said(monkeypatch):
    """What the page tells a visitor."""
    told = []
    monkeypatch.setattr(gr, "Info", told.append)
    return told


def generated(tab, quick, sampler="auto", steps=3, count=2) -> list[dict]:
    asked = (Picks(), VisitorSets(), BatchHistory(), quick.name, 0, count, steps, 1.0, sampler, 1, True)
    return list(tab.on_generate(*asked, HERE))


def test_a_muted_prototype_is_not_picked_but_said_to_be_muted(tabs, quick, muted):
    tab = tabs[0]
    with pytest.raises(gr.Error, match=r"is muted\. Unmute it"):
        tab.on_pick(Picks(), muted, quick.name, SimpleNamespace(id=3))
    with pytest.raises(gr.Error, match=r"is muted\. Unmute it"):
        tab.on_mix(muted, quick.name, SimpleNamespace(ids=[2, 3], weights=[1, 1]))
    assert tab.on_pick(Picks(), VisitorSets(), quick.name, SimpleNamespace(id=3))[tab.picks].ids == (3,)
    items = {i["id"]: i for i in tab.picked_views(muted.shown_set(quick), Picks())[tab.prototypes]["items"]}
    assert items[3]["off"] and not any("off" in item for k, item in items.items() if k != 3)


def test_a_recipe_leaves_out_what_was_muted_since(tabs, quick, muted):
    request = Request(prototypes=(2, 3), weights=(0.5, 0.5), guidance=1.0)
    made = BatchHistory().made(Batch(quick.name, request, *[None] * 4))  # of which nothing else is asked
    object.__setattr__(made.batch, "images", [0])
    assert tabs[0].on_again(made, muted, quick.name)[tabs[0].picks].ids == (2,)


def test_half_made_pictures_cannot_be_clicked_and_finished_ones_can(tabs, quick):
    tab = tabs[0]
    *half, last = [v[tab.grid]["still"] for v in generated(tab, quick) if tab.grid in v]
    assert len(half) > 1 and all(half) and not last
    compare = tabs[1]
    asked = ["pdm", "auto", 3, "none", "auto", 3, "unconditional", "auto", 3]
    views = list(compare.on_compare(HERE, VisitorSets(), quick.name, 2, 1.0, 1, True, 0, *asked))
    grid = compare.columns[0].grid
    *half, last = [v[grid]["still"] for v in views if grid in v]
    assert len(half) > 1 and all(half) and not last


@pytest.mark.parametrize(("asked", "taken"), [(3, 4), (7, 4), (2, 2), (5.0, 4)])
def test_steps_that_the_student_cannot_paint_in_become_the_next_that_it_can(tabs, quick, said, asked, taken):
    tab = tabs[0]
    views = generated(tab, quick, "student", asked, count=20)
    assert views[0][tab.settings.steps] == views[-1][tab.settings.steps] == taken
    assert views[-1][tab.made].batch.request.steps == taken
    assert said == ([] if asked == taken else [f"The student paints in 1, 2 or 4 steps: {taken} instead of {asked:g}."])


def test_compare_takes_the_next_steps_that_the_student_can_paint_in_too(tabs, quick, said):
    compare = tabs[1]
    asked = ["pdm", "student", 3, "none", "auto", 3, "pdm", "auto", 3]
    first, *_, last = compare.on_compare(HERE, VisitorSets(), quick.name, 2, 1.0, 1, True, 0, *asked)
    assert [first.get(c.steps) for c in compare.columns] == [4, None, 3]
    assert [s and s.batch.request.steps for s in last[compare.compared]] == [4, None, 3] and len(said) == 1


def test_wrong_steps_are_refused_all_the_same(tabs, quick, said):
    for wrong in (0, -1, 2.5, None, "3"):
        with pytest.raises(gr.Error, match="steps: expected"):
            generated(tabs[0], quick, "student", wrong)
    assert said == []


def test_of_a_model_that_is_chosen_its_own_latest_pictures_are_shown(quick):
    batches = [Batch(name, Request(), *[None] * 4) for name in ("other", "quick", "quick", "third")]
    made = BatchHistory()
    for batch in reversed(batches):
        made = made.made(batch)
    assert of_model(made, "quick").shown == 1 and of_model(made, "quick").batches == made.batches
    assert of_model(made, "another") is None and of_model(BatchHistory(), "quick") is None


def test_a_recipe_makes_the_same_picture_and_locks_nothing(tabs, quick, muted):
    tab = tabs[0]
    asked = (Picks((2, 5), (1.0, 0.5)), muted, BatchHistory(), quick.name, 0, 3, 4, 1.5, "ddim", 7, True)
    made = list(tab.on_generate(*asked, HERE))[-1][tab.made]
    views = tab.on_again(made, VisitorSets(), quick.name)
    assert tab.settings.locked not in views
    assert [views[c] for c in tab.settings.values[:-1]] == [3, 4, 1.5, "ddim", 7] and views[tab.picks].ids == (2, 5)
    *_, last = tab.on_repeat(made, quick.name, 1, 0, HERE)
    first, again = made.batch, last[tab.made].batch
    assert (again.request, again.images.tolist()) == (first.request, first.images.tolist()) and again is not first
    assert last[tab.grid]["selected"] == [1] and tab.settings.locked not in last
    with pytest.raises(gr.Error, match="another model"):
        list(tab.on_repeat(made, "another", 1, 0, HERE))


def test_seeds_are_taken_from_what_is_shown_or_drawn_anew(tabs, quick):
    tab = tabs[0]
    made = generated(tab, quick)[-1][tab.made]
    assert tab.on_same_seed(made) == {tab.settings.seed: 1, tab.settings.locked: True}
    drawn = [tab.settings.new_seed() for _ in range(3)]
    assert len({views[tab.settings.seed] for views in drawn}) > 1
    assert not any(views[tab.settings.locked] for views in drawn)


def test_what_is_picked_or_mixed_is_sketched_by_the_student_and_is_no_batch(tabs, quick):
    tab, asked = tabs[0], (VisitorSets(), quick.name, 1.5, 7)
    sketched = tab.sketch.on_sketch(Picks((2, 5), (1.0, 0.5)), *asked, False)
    assert set(sketched) == {tab.line, tab.grid} and sketched[tab.grid]["still"]
    assert "Sketched by the student in 1 step" in sketched[tab.line]
    request = Request(prototypes=(2, 5), weights=(1.0, 0.5), count=8, seed=7, steps=1, guidance=1.5, sampler="student")
    *_, alone = run(quick, resolved(quick, request))
    assert sketched[tab.grid]["sheet"] == pictures(alone.images, [])["sheet"]
    moving = SimpleNamespace(ids=[2, 5], weights=[1.0, 0.5])
    assert tab.sketch.on_mixing(*asked, False, moving) == sketched
    with pytest.raises(gr.Error, match="weights: expected"):
        tab.sketch.on_mixing(*asked, False, SimpleNamespace(ids=[2, 5], weights=[1.0, 2]))


def test_without_a_student_the_denoiser_sketches_in_a_few_steps_without_guidance(studio):
    with gr.Blocks():
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        tab = GenerateTab(OneModel(studio), BatchHistory(), sets, model)
    one, asked = Picks((2,), (1.0,)), (VisitorSets(), studio.name, 1.5, 7, False)
    sketched = tab.sketch.on_sketch(one, *asked)
    assert "Sketched in 4 steps" in sketched[tab.line]
    request = Request(prototypes=(2,), weights=(1.0,), count=8, seed=7, steps=4, guidance=1.0)
    *_, alone = run(studio, resolved(studio, request))
    assert sketched[tab.grid]["sheet"] == pictures(alone.images, [])["sheet"]
    assert tab.sketch._price(one, *asked) == 8 * 4


def test_nothing_is_sketched_over_what_is_painted_or_where_it_cannot_be_painted(tabs, quick):
    sketch, one = tabs[0].sketch, Picks((2,), (1.0,))
    changes = [
        sketch.on_sketch(one, VisitorSets(), quick.name, 1.5, 7, True),
        sketch.on_sketch(one, VisitorSets(), quick.name, 1.5, None, False),
        sketch.on_sketch(Picks((2,), (0.0,)), VisitorSets(), quick.name, 1.5, 7, False),
    ]
    assert all(change == gr.skip() for change in changes)
    assert sketch._price(one, VisitorSets(), quick.name, 1, 7, True) == 1
    assert sketch._price(one, VisitorSets(), quick.name, 1, 7, False) == 8


def test_of_several_clicks_sent_side_by_side_the_last_wins_whatever_order_they_come_in(tabs, quick):
    tab, made = tabs[0], BatchHistory().made(generated(tabs[0], quick)[-1][tabs[0].made].batch)
    looks = [(1, 1000), (0, 1002), (1, 1001), (0, 1003)]
    shown = [tab.on_look(made, SimpleNamespace(id=i, turn=turn), HERE) for i, turn in looks]
    assert [view.get(tab.detail.chosen) for view in shown] == [1, 0, None, 0]  # the third comes late
    other = SimpleNamespace(session_hash="another")
    assert tab.on_look(made, SimpleNamespace(id=1, turn=5), other)[tab.detail.chosen] == 1
    for wrong in (None, "x", -1, 1.5, True, 10**16):
        with pytest.raises(gr.Error, match="turn: expected a whole number"):
            tab.on_look(made, SimpleNamespace(id=1, turn=wrong), HERE)
