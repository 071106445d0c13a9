"""Handlers behind the gate: called as before, one at a time, without a thread while they wait, ended when unheard."""

import asyncio
import sys
import threading
import time
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio_client import Client

from pdm.app.zero_gpu import tell
from pdm.ui.guard import turns
from tests import asynchronous
from tests.ui.guarded_app import STEP, Painter, build, new_gate, served

# Gradio, served in this process, leaves loops and sockets open, and pandas finds its options old.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def app():
    painter, gate = Painter(), new_gate()
    with served(build(painter, gate)) as url:
        yield url, painter, gate


@pytest.fixture
def client(app):
    return Client(app[0], verbose=False)


def quiet(painter, gate, seconds=15):
    """Wait until nothing is painted any more; returns the steps done."""
    deadline = time.monotonic() + seconds
    while len(gate):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return painter.steps


def joined(url, fn, data, session):
    body = {"fn_index": fn, "data": data, "session_hash": session}
    return httpx.post(f"{url}/gradio_api/queue/join", json=body)


def test_a_generator_streams_and_gets_its_request_and_progress(app, client):
    job = client.submit(3, api_name="/paint")
    assert job.result(timeout=30).startswith("2 of ") or job.outputs()[-1].startswith("2 of ")
    assert [o.split(" of ")[0] for o in job.outputs() if " of " in str(o)][:3] == ["0", "1", "2"]
    assert client.session_hash in job.outputs()[-1]


def test_a_plain_function_keeps_its_signature_and_answer(app, client):
    assert client.predict(2, api_name="/make") == "made 1 True"
    named = client.view_api(return_format="dict")["named_endpoints"]["/make"]
    assert [(p["parameter_name"], p["parameter_default"]) for p in named["parameters"]] == [("count", 3)]
    assert client.predict(api_name="/clicked") == "1 True"


def test_what_a_painting_has_to_tell_is_shown_on_the_page_it_is_for(app, client, monkeypatch):
    told = []
    monkeypatch.setattr(app[1], "stream", lambda count: told.append(tell.get()) or iter([0]))
    client.predict(1, api_name="/make")
    assert told == [gr.Info]


def in_our_code(thread) -> bool:
    """Whether a thread is in the middle of something of this package's."""
    frame = sys._current_frames().get(thread.ident)
    return any("/pdm/" in f.f_code.co_filename for f, _ in traceback.walk_stack(frame)) if frame else False


def test_one_paints_at_a_time_and_waiting_takes_no_thread(app):
    url, painter, gate = app
    clients = [Client(url, verbose=False) for _ in range(8)]
    others = set(threading.enumerate())  # of pages that tests before left as well
    jobs = [c.submit(6, api_name="/make") for c in clients]
    until = time.monotonic() + 20
    while not (handlers := [t for t in threading.enumerate() if t.name.startswith("painter")]):
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(2 * STEP)
    assert handlers and len(set(handlers) - others) <= 1
    assert [t.name for t in threading.enumerate() if t.name.startswith("AnyIO") and in_our_code(t)] == []
    assert {j.result(timeout=60) for j in jobs} == {"made 5 True"}
    assert painter.most == 1
    assert {n.rsplit("_", 1)[0] for n in painter.threads} == {"painter"}


def test_who_waits_is_told_how_many_are_before_him(app):
    url, _, _ = app
    first, second, third = (Client(url, verbose=False) for _ in range(3))
    jobs = [first.submit(25, api_name="/make")]
    time.sleep(2 * STEP)
    jobs += [second.submit(25, api_name="/make")]
    time.sleep(STEP)
    said = third.submit(30, api_name="/paint")
    said.result(timeout=60)
    while not said.done():
        time.sleep(0.05)
    assert "2 before you" in said.outputs() and "1 before you" in said.outputs()
    assert [j.result(timeout=60) for j in jobs] == ["made 24 True", "made 24 True"]


def test_a_second_waiting_request_of_a_visitor_is_refused_or_replaces(app):
    url, painter, gate = app
    other, mine = Client(url, verbose=False), Client(url, verbose=False)
    running = other.submit(80, api_name="/make")
    time.sleep(2 * STEP)
    first = mine.submit(2, api_name="/make")
    time.sleep(4 * STEP)
    with pytest.raises(Exception, match="one waiting request a visitor"):
        mine.submit(2, api_name="/make").result(timeout=30)
    newer = mine.submit(2, api_name="/paint")  # of the page: it takes the place
    with pytest.raises(Exception, match="a newer request of yours"):
        first.result(timeout=30)
    assert running.result(timeout=30) == "made 79 True"
    newer.result(timeout=30)
    quiet(painter, gate)


@pytest.mark.parametrize("name", ["paint", "make"])
def test_painting_ends_soon_after_its_client_left(app, name):
    url, painter, gate = app
    fn = next(d["id"] for d in httpx.get(f"{url}/config").json()["dependencies"] if d["api_name"] == name)
    before, closed = painter.steps, painter.closed
    session = f"leaves-{name}"
    assert joined(url, fn, [400], session).status_code == 200
    with httpx.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}, timeout=10) as stream:
        for _ in stream.iter_lines():
            if name == "make":  # says nothing while it works
                while painter.steps - before < 3:
                    time.sleep(STEP)
            if painter.steps - before >= 3:
                break
    left = painter.steps
    after = quiet(painter, gate, 5)
    assert left - before >= 3 and after - left <= 1.5 / STEP
    assert painter.closed == closed + 1


def until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def listening(url, fns, name, data, session, end):
    """Ask for something, and listen until a line has this text; what came."""
    assert joined(url, fns[name], data, session).status_code == 200
    came = []
    with httpx.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}, timeout=10) as stream:
        for line in stream.iter_lines():
            came.append(line)
            if end in line:
                break
    return came


@pytest.fixture
def busy(app):
    """Somebody paints until the test has ended; the numbers of the page's events by name."""
    (url, painter, gate), session = app, uuid.uuid4().hex
    fns = {d["api_name"]: d["id"] for d in httpx.get(f"{url}/config").json()["dependencies"]}
    quiet(painter, gate)
    with ThreadPoolExecutor(1) as pool:
        painting = pool.submit(listening, url, fns, "long", [0], session, "stopped")
        until(lambda: len(gate) == 1)
        yield fns
        press(url, fns, session)
        painting.result(timeout=15)


def press(url, fns, session):
    body = {"data": [], "fn_index": fns["_press"], "session_hash": session}
    assert httpx.post(f"{url}/gradio_api/run/_press", json=body).status_code == 200


def test_a_run_that_waits_leaves_the_line_when_stop_is_pressed(app, busy, monkeypatch):
    url, _, gate = app
    monkeypatch.setattr(turns, "LOOK", 60.0)  # it does not look by itself: it is woken
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(listening, url, busy, "long", [0], "waits", "process_completed")
        until(lambda: len(gate) == 2)
        press(url, busy, "waits")
        said = "\n".join(waiting.result(timeout=8))
    assert len(gate) == 1
    assert "1 before you" in said and "stopped before it began" in said


def test_a_run_that_waits_leaves_the_line_when_its_client_leaves(app, busy):
    url, _, gate = app
    listening(url, busy, "long", [0], "leaves", "1 before you")
    until(lambda: len(gate) == 1, 5)


def test_who_never_listens_is_not_painted_for_long(app):
    url, painter, gate = app
    fn = next(d["id"] for d in httpx.get(f"{url}/config").json()["dependencies"] if d["api_name"] == "make")
    before = painter.steps
    joined(url, fn, [1000], "never-listens")
    time.sleep(0.3)
    assert quiet(painter, gate, 14) - before < 13 / STEP


def test_a_device_that_never_answers_takes_nothing_else_with_it():
    painter, gate, never = Painter(), new_gate(), threading.Event()
    painter.stream = lambda count: iter([never.wait(20)])
    with served(build(painter, gate)) as url:
        fns = {d["api_name"]: d["id"] for d in httpx.get(f"{url}/config").json()["dependencies"]}
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda i: joined(url, fns["make"], [3], f"hung-{i}").status_code, range(60)))
        assert set(answers) == {200}
        started = time.monotonic()
        assert httpx.get(url).status_code == 200
        with pytest.raises(Exception, match="requests are waiting already"):
            Client(url, verbose=False).predict(2, api_name="/make")
        assert time.monotonic() - started < 5
        never.set()


def test_while_it_waits_for_the_net_work_ends_when_stop_is_pressed_and_later_when_nobody_listens():
    turn = SimpleNamespace(abandoned=False, _begun=False, stopped=lambda: True)
    with pytest.raises(turns.StoppedError):
        turns.Turn.check(turn, False)
    turns.Turn.check(turn, True)
    turns.Turn.check(turn, False)  # of a comparison the second method: the page says where it stopped
    turn.abandoned = True
    with pytest.raises(turns.AbandonedError):
        turns.Turn.check(turn, True)


def test_messages_of_the_page_are_no_markup(app):
    url, _, _ = app
    config = httpx.get(f"{url}/config").json()
    button = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "fails")
    fn = next(d["id"] for d in config["dependencies"] if [button, "click"] in d["targets"])
    answer = last_message(url, fn, ["<img src=x onerror=alert(1)>"], "toasts")
    assert answer["error"] == "text: expected none, got &lt;img src=x onerror=alert(1)&gt;"
    assert answer["title"] == "&lt;img src=x onerror=alert(1)&gt;"


def test_an_error_that_nobody_foresaw_tells_nothing(app):
    url, _, _ = app
    config = httpx.get(f"{url}/config").json()
    fn = next(d["id"] for d in config["dependencies"] if any(event == "submit" for _, event in d["targets"]))
    answer = last_message(url, fn, ["/etc/passwd"], "breaks")
    assert answer["error"] == "request: expected the values that the page sends, got others"


def last_message(url, fn, data, session):
    import json

    joined(url, fn, data, session)
    with httpx.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}, timeout=10) as stream:
        for line in stream.iter_lines():
            if '"process_completed"' in line:
                return json.loads(line[6:])["output"]
    raise AssertionError("no answer")


def test_waiting_is_fair_between_addresses_and_needs_no_server():
    from pdm.app.gate import Visitor

    async def scene():
        gate, order = new_gate(), []

        async def visit(address, session, cost):
            ready = asyncio.Event()
            ticket = gate.enter(Visitor(address, session), cost, changed=ready.set)
            if ticket.state == "waiting":
                await ready.wait()
            await asyncio.sleep(0)
            order.append(address)
            gate.leave(ticket)

        await asyncio.gather(*(visit("a", str(i), 10) for i in range(6)), visit("b", "x", 10))
        return order

    assert asynchronous.run(scene()).index("b") <= 2
