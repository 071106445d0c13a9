"""The sets of scripts: one for each session, none without, none lost by edits side by side, none swapped in silence."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from starlette.datastructures import Headers

from pdm.ui.api.clients import BUSY, IDLE, MAX_CLIENTS, OF_ADDRESS, Clients
from pdm.ui.shared.session import VisitorSets


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def asker(session, address="10.0.0.1"):
    request = SimpleNamespace(headers=Headers({}), client=SimpleNamespace(host=address))
    return gr.Request(request, session_hash=session)


def sets_of(n):
    return VisitorSets(histories=((f"model {n}", None),))


def put(clients, session, n=0, address="10.0.0.1", **options):
    return clients.change(asker(session, address), lambda sets: (sets_of(n), n), **options)


def test_each_session_has_its_own():
    clients = Clients()
    assert put(clients, "a", 1) == 1 and put(clients, "b", 2) == 2
    assert clients.of(asker("a")).histories != clients.of(asker("b")).histories
    assert clients.of(asker("c")).histories == () == clients.of(asker(None)).histories


def test_without_a_session_nothing_is_edited():
    with pytest.raises(gr.Error, match="session_hash: expected one of your own"):
        put(Clients(), None)


def test_side_by_side_changes_of_one_session_lose_none():
    clients = Clients()

    def add(sets):
        time.sleep(0.001)  # as an edit takes
        return VisitorSets(histories=(*sets.histories, ("x", None))), None

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: clients.change(asker("a"), add), range(96)))
    assert len(clients.of(asker("a")).histories) == 96


def test_one_slow_client_holds_nobody_else_up():
    clients, going = Clients(), threading.Event()
    slow = threading.Thread(target=clients.change, args=(asker("slow"), lambda s: (s, going.wait(10))))
    slow.start()
    put(clients, "quick")
    going.set()
    slow.join()


def test_the_idle_are_dropped_and_told_so_until_they_begin_anew():
    clock = Clock()
    clients = Clients(clock)
    put(clients, "a", 1)
    clock.now = IDLE + 1
    for _ in range(2):
        with pytest.raises(gr.Error, match="it is gone"):
            clients.of(asker("a"))
        with pytest.raises(gr.Error, match="it is gone"):
            put(clients, "a")
    assert put(clients, "a", 3, anew=True) == 3 and put(clients, "a", 4) == 4


def test_one_address_throws_nobody_elses_set_away():
    clock = Clock()
    clients = Clients(clock)
    put(clients, "mine", 7, address="10.0.0.2")
    for n in range(MAX_CLIENTS + 100):
        put(clients, f"s{n}")
    assert clients.of(asker("mine", "10.0.0.2")).histories == sets_of(7).histories
    assert len(clients._clients) == OF_ADDRESS + 1


def test_many_addresses_are_refused_rather_than_a_set_in_use_dropped():
    clock = Clock()
    clients = Clients(clock)
    for n in range(MAX_CLIENTS):
        put(clients, f"s{n}", address=f"10.0.1.{n}")
    with pytest.raises(gr.Error, match="fewer sessions"):
        put(clients, "one more", address="10.9.9.9")
    clock.now = BUSY + 1
    put(clients, "one more", address="10.9.9.9")
    with pytest.raises(gr.Error, match="it is gone"):
        clients.of(asker("s0"))


def edited(url, session, operation, **arguments):
    data = [operation, json.dumps(arguments), "fashion-mnist"]
    body = {"data": data} | ({"session_hash": session} if session else {})
    return httpx.post(f"{url}/gradio_api/run/edit", json=body, timeout=60)


@pytest.mark.slow
def test_of_96_edits_at_once_none_that_was_answered_is_lost(app_url):
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda k: edited(app_url, "side-by-side", "tag", id=k % 64, tags=[f"t{k}"]), range(96)))
    assert {d.status_code for d in done} == {200}
    last = edited(app_url, "side-by-side", "rename", id=0, name="the last").json()["data"][0]
    assert len(last["edits"]) == 97


def test_plain_requests_without_a_session_are_told_to_send_one(app_url):
    answer = edited(app_url, None, "reset")
    assert answer.status_code == 500 and answer.json()["error"].startswith("session_hash: expected")
    called = httpx.post(f"{app_url}/gradio_api/call/edit", json={"data": ["reset", "{}", "fashion-mnist"]}, timeout=60)
    with httpx.stream("GET", f"{app_url}/gradio_api/call/edit/{called.json()['event_id']}", timeout=20) as stream:
        assert "session_hash: expected" in "".join(stream.iter_lines())
