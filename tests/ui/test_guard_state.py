"""What is remembered of visits ends, and votes are counted by what a visitor does not choose."""

import datetime
from types import SimpleNamespace

import gradio as gr
import pytest
from starlette.datastructures import Headers

from pdm.app.votes import PER_MINUTE, Vote, Votes
from pdm.ui.guard.listeners import BETWEEN, PATIENCE, Listeners
from pdm.ui.guard.sessions import CLOSED, UNUSED, Sessions
from pdm.ui.guard.visitors import visitor_of, voter

# Gradio's Blocks leave loops open.
pytestmark = pytest.mark.filterwarnings("ignore")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def sessions():
    with gr.Blocks() as page:
        gr.State([])
    page.state_session_capacity = 3
    holder = Sessions()
    holder.set_blocks(page)
    return holder


def aged(sessions, name, seconds):
    sessions.time_last_used[name] = datetime.datetime.now() - datetime.timedelta(seconds=seconds)


def test_too_many_visits_push_out_those_that_ended(sessions):
    for name in "abc":
        sessions[name]
    sessions.session_data["b"].is_closed = True
    sessions["d"]
    assert set(sessions.session_data) == {"a", "c", "d"} == set(sessions.time_last_used)
    sessions["e"]
    assert set(sessions.session_data) == {"c", "d", "e"}


def test_visits_that_ended_or_were_left_alone_are_forgotten(sessions):
    for name in ("open", "closed", "left"):
        sessions[name]
    sessions.session_data["closed"].is_closed = True
    aged(sessions, "open", CLOSED + 1)
    aged(sessions, "closed", CLOSED + 1)
    aged(sessions, "left", UNUSED + 1)
    sessions._looked = -1e9
    sessions.delete_all_expired_state()
    assert set(sessions.session_data) == {"open"}


def test_a_visit_keeps_what_differs_and_no_copy_of_the_page():
    with gr.Blocks() as page:
        text, state = gr.Textbox("as it was"), gr.State([], time_to_live=0)
    holder = Sessions()
    holder.set_blocks(page)
    mine, other = holder["a"], holder["b"]
    mine[state._id] = [1]
    mine[text._id] = changed = gr.Textbox("mine", render=False)
    mine._update_config(text._id)
    mine._update_value_in_config(text._id, "mine, too")
    assert (mine[state._id], other[state._id]) == ([1], []) and page.blocks[state._id].value == []
    assert holder["a"][text._id] is changed and holder["b"][text._id] is text
    assert not mine.config_values and not other.config_values
    assert [(value, expired) for _, value, expired in mine.state_components] == [([1], True)]


def test_listeners_leave_and_come_back():
    clock = Clock()
    listeners = Listeners(clock)
    assert not listeners.gone("a", 100)
    clock.now += PATIENCE + 1
    assert listeners.gone("a", 100)  # he never came
    listeners.opened("a")
    assert not listeners.gone("a", 100)
    listeners.closed("a", broke_off=False)  # the server had nothing more to say
    assert not listeners.gone("a", clock.now)
    listeners.opened("a")
    asked = clock.now
    clock.now += 1
    listeners.closed("a", broke_off=True)
    assert not listeners.gone("a", asked)  # a page that goes on opens the next stream at once
    clock.now += BETWEEN + 0.1
    assert listeners.gone("a", asked) and not listeners.gone("a", clock.now)


def asker(session, address, forwarded=None):
    headers = Headers({"x-forwarded-for": forwarded} if forwarded else {})
    return gr.Request(SimpleNamespace(headers=headers, client=SimpleNamespace(host=address)), session_hash=session)


def test_votes_are_counted_by_address_whatever_session_a_client_chooses(tmp_path):
    votes = Votes(tmp_path / "votes.sqlite")
    for n in range(PER_MINUTE):
        votes.add(Vote(f"p{n}", "m", "pdm", "rdm", "tie", voter(asker(f"s{n}", "10.0.0.1", f"1.1.1.{n}"))))
    with pytest.raises(ValueError, match="at most 20 a minute"):
        votes.add(Vote("more", "m", "pdm", "rdm", "tie", voter(asker("new", "10.0.0.1"))))
    votes.add(Vote("other", "m", "pdm", "rdm", "tie", voter(asker("new", "10.0.0.2"))))
    assert "10.0" not in voter(asker("s", "10.0.0.1"))


def test_behind_a_proxy_of_ones_own_the_address_is_what_it_saw(monkeypatch):
    monkeypatch.setenv("PDM_PROXIES", "1")
    assert visitor_of(asker("s", "10.0.0.1", "6.6.6.6, 2.2.2.2")).address == "2.2.2.2"
    monkeypatch.setenv("PDM_PROXIES", "many")
    with pytest.raises(ValueError, match="PDM_PROXIES: expected"):
        visitor_of(asker("s", "10.0.0.1"))
