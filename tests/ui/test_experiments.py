"""The cards of Generate: made of the model's own prototypes, each sets what it says and paints it."""

from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.editing.edits import apply
from pdm.ui.generate.experiments import _lower, cards, experiments
from pdm.ui.generate.tab import GenerateTab
from pdm.ui.generate.xy_grid import AXES, values_of
from pdm.ui.shared.session import BatchHistory, VisitorSets
from tests.one_model import OneModel

HERE = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def page(studio):
    """The tab, and what a click on each of its cards does."""
    with gr.Blocks() as blocks:
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        tab = GenerateTab(OneModel(studio), BatchHistory(), sets, model)
    on_card = next(fn.fn for fn in blocks.fns.values() if fn.name == "on_card")
    return tab, lambda place, sets=None: on_card(sets or VisitorSets(), studio.name, SimpleNamespace(id=place))


def test_there_are_six_of_its_own_names_and_all_can_be_run(studio):
    made, shown_set = experiments(studio), studio.shown_set()
    assert len(made) == 6 == len({e.title for e in made})
    known = {*shown_set.names.values(), *shown_set.classes.values()}
    assert sum(any(name.lower() in (e.title + e.hint).lower() for name in known) for e in made) >= 5
    for e in made:
        assert set(e.prototypes) <= {*shown_set.names} and len(e.weights) == len(e.prototypes)
        if e.sides:
            across, xs, down, ys = e.sides
            assert across in AXES and values_of(shown_set, across, xs) and values_of(shown_set, down, ys)
    assert [item["title"] for item in cards(studio)["items"]] == [e.title for e in made]


@pytest.mark.parametrize(
    ("name", "lower"),
    [
        ("T-shirt", "t-shirt"),
        ("Food & Drink", "food & drink"),
        ("Annual crop", "annual crop"),
        ("USB stick", "USB stick"),
        ("AnnualCrop", "AnnualCrop"),
        ("X", "X"),
        ("cat", "cat"),
        ("", ""),
    ],
)
def test_a_name_within_a_title_is_in_small_letters_all_of_it_where_it_is_no_abbreviation(name, lower):
    assert _lower(name) == lower


def test_the_two_that_become_one_another_are_alike_and_the_halves_are_not(studio):
    shown_set, (becomes, halves, *_) = studio.shown_set(), experiments(studio)

    def apart(e) -> float:
        a, b = e.prototypes
        return float(shown_set.prototypes.distances(shown_set.vectors([a]))[0, shown_set.prototypes.ids.index(b)])

    assert apart(becomes) < apart(halves)
    assert all(len({shown_set.classes[k] for k in e.prototypes}) == 2 for e in (becomes, halves))


def test_a_card_of_a_mix_sets_it_and_paints_a_batch(page, studio):
    tab, click = page
    place = next(i for i, e in enumerate(experiments(studio)) if not e.sides)
    wanted, views = experiments(studio)[place], click(place)
    assert views[tab.picks].ids == wanted.prototypes
    *_, last = tab.on_arrive(views[tab.arriving], BatchHistory(), studio.name, 0, HERE)
    made = last[tab.made].batch.request
    assert (made.prototypes, made.count, made.seed) == (wanted.prototypes, 16, 1)
    assert views[tab.settings.seed] == 1 and views[tab.settings.count] == 16


def test_a_card_of_a_grid_opens_it_and_paints_what_its_sides_say(page, studio, monkeypatch):
    from pdm.ui.generate import xy_panel

    tab, click = page
    place = next(i for i, e in enumerate(experiments(studio)) if e.sides)
    wanted, panel, sheets = experiments(studio)[place], tab.grid_of_two, []
    views = click(place)
    assert [views[side] for side in panel.sides] == [*wanted.sides] and views[panel.fold]["open"]
    monkeypatch.setattr(xy_panel, "saved_file", lambda data, name: sheets.append(data) or name)
    asked = views[panel.asked_for]
    *_, last = panel.on_asked(asked, VisitorSets(), studio.name, 0, HERE)
    across, down = (len(wanted.sides[i].split(",")) for i in (1, 3))
    assert f"{across * down} pictures" in last[panel.line] and len(sheets) == 1
    assert views[panel.asked_for].token != click(place)[panel.asked_for].token  # another click paints once more
    assert xy_panel._price_asked(asked, VisitorSets(), studio.name, 0) > xy_panel._price_asked(None) == 1
    *_, other = panel.on_asked(asked, VisitorSets(), "another", 0, HERE)
    assert panel.picture not in other


def test_a_card_whose_prototype_is_muted_or_that_is_not_there_says_so(page, studio):
    _, click = page
    k = experiments(studio)[0].prototypes[0]
    muted, said = apply(studio.base, "mute", {"ids": [k]}, studio.edit_context)
    sets = VisitorSets().put(studio, VisitorSets().history(studio).do(said, muted))
    with pytest.raises(gr.Error, match="taken out or muted"):
        click(0, sets)
    for wrong in (-1, 6, None, "0"):
        with pytest.raises(gr.Error, match="experiment: expected 0 to 5"):
            click(wrong)
