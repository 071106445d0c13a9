"""Judge and Compare when their tabs are opened: a pair and a comparison are there without being asked for."""

from types import SimpleNamespace

import gradio as gr
import pytest

from pdm.app.votes import Votes
from pdm.ui.compare import tab as compare
from pdm.ui.judge.own_votes import OwnVotes
from pdm.ui.judge.tab import BlindTab
from pdm.ui.shared.session import VisitorSets
from tests.one_model import OneModel

HERE = SimpleNamespace(session_hash="visitor")


@pytest.fixture
def tabs(studio, tmp_path):
    library = OneModel(studio)
    with gr.Blocks() as page:
        sets, model = gr.State(VisitorSets()), gr.Dropdown([studio.name], value=studio.name)
        with gr.Tab("one") as one:
            judging = BlindTab(library, Votes(tmp_path / "votes.sqlite"), model)
            comparing = compare.CompareTab(library, sets, model)
        judging.open_on(one.select)
        comparing.open_on(one.select)
    return SimpleNamespace(page=page, judging=judging, comparing=comparing)


def test_a_pair_is_there_when_the_tab_is_opened_and_only_where_there_is_none(tabs, studio):
    judging, asked = tabs.judging, (studio.name, "One picture")
    *_, last = judging.on_follow(*asked, None, True)
    pair = last[judging.pair]
    assert last[judging.buttons[0]]["interactive"] and not pair.told
    for unwanted in ((None, False), (pair, True)):
        assert all(judging.pair not in views for views in judging.on_follow(*asked, *unwanted))


def test_a_vote_reveals_and_the_next_pair_takes_its_place_once_it_is_whole(tabs, studio):
    judging, asked = tabs.judging, (studio.name, "One picture")
    *_, last = judging.on_follow(*asked, None, True)
    told = judging.on_vote("left", last[judging.pair], OwnVotes(), "me")
    assert told[judging.names[0]] != last[judging.names[0]] and "The pair before: left was" in told[judging.before]
    *waiting, following = judging.on_follow(*asked, told[judging.pair], True)
    assert not any(judging.names[0] in v or judging.grids[0] in v or judging.pair in v for v in waiting)
    assert following[judging.pair].key != last[judging.pair].key
    assert following[judging.names[0]] == last[judging.names[0]] and judging.before not in following
    assert following[judging.grids[0]]["sheet"] and following[judging.buttons[0]]["interactive"]


def test_a_vote_is_followed_by_the_next_pair_on_the_page(tabs):
    events = {number: fn for number, fn in tabs.page.fns.items()}
    voted = [n for n, fn in events.items() if fn.name == "vote"]
    waits = [n for n, fn in events.items() if fn.trigger_after in voted]
    follows = [fn for fn in events.values() if fn.trigger_after in waits and fn.name == "on_follow"]
    assert len(voted) == len(waits) == len(follows) == 4


def test_one_s_own_votes_are_counted():
    own = OwnVotes()
    assert own.said() == ""
    for choice in ("left", "left", "right", "tie", "both bad"):
        own = own.with_vote(choice, "pdm", "rdm")
    assert "You: 5 votes" in own.said() and "PDM 2, RDM 1, neither 2." in own.said()


def test_compare_opens_with_all_methods_from_one_hint_painted_once_for_all(tabs, studio, monkeypatch):
    comparing, runs = tabs.comparing, []
    run = compare.run
    monkeypatch.setattr(compare, "run", lambda *all: runs.append(all[1]) or run(*all))
    *_, stopped = comparing.on_first(HERE, studio.name, (), -1, True)  # as if Stop had been pressed since
    assert "stopped at PDM" in stopped[comparing.line] and runs.clear() is None
    *_, last = comparing.on_first(HERE, studio.name, (), 0, True)
    assert [r.method for r in runs] == ["pdm", "rdm", "unconditional"]
    shown_set = studio.shown_set()
    hint = shown_set.covers[shown_set.order[0]]  # the image that the first prototype of all lists is shown by
    assert {(r.hints, r.seed, r.count) for r in runs} == {((hint,) * 9, 1, 9)}
    assert len(last[comparing.compared]) == 3 and len(last[comparing.hint]["items"]) == 1
    assert "Press Compare" in last[comparing.line] and "One hint for all" in last[comparing.hint_title]
    *_, again = comparing.on_first(HERE, studio.name, (), 0, True)
    assert len(runs) == 3 and again[comparing.compared] == last[comparing.compared]
    for unwanted in ((last[comparing.compared], 0, True), ((), 0, False)):
        assert all(comparing.compared not in views for views in comparing.on_first(HERE, studio.name, *unwanted))
    asked = ["pdm", "auto", 3, "none", "auto", 3, "none", "auto", 3]
    assert compare._price(HERE, VisitorSets(), studio.name, 2, 1.0, 1, True, 0, *asked) == 2 * 9  # as it is called
    first, *_ = comparing.on_compare(HERE, VisitorSets(), studio.name, 2, 1.0, 1, True, 0, *asked)
    assert first[comparing.hint]["items"] == [] and first[comparing.hint_title] == ""
