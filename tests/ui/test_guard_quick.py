"""Quick events: how many an address may send and have under way, and how many are at work."""

import asyncio
from types import SimpleNamespace

import pytest

from pdm.app.gate import Visitor
from pdm.ui.guard import quick
from pdm.ui.guard.quick import A_MINUTE, A_UNIT, Door, QuickTurns
from tests import asynchronous


@pytest.fixture
def door():
    """A door whose clock stands still, before a queue without events."""
    queue = SimpleNamespace(event_queue_per_concurrency_id={}, active_jobs=[None, None])
    return Door(SimpleNamespace(_queue=queue), lambda: 100.0)


def event(address):
    return SimpleNamespace(request=SimpleNamespace(scope={quick.ADDRESS: address}))


def test_an_address_may_send_so_many_requests_a_minute(door):
    assert all(door.problem("a", 100) is None for _ in range(A_MINUTE))
    status, line = door.problem("a", 100)
    assert status == 429 and line == "requests: expected at most 2400 a minute, got more; wait 1 seconds"
    assert door.problem("b", 100) is None
    door.clock = lambda: 101.0
    assert door.problem("a", 100) is None  # 40 more have come


def test_a_long_request_counts_as_several(door):
    assert sum(door.problem("a", 10 * A_UNIT) is None for _ in range(A_MINUTE)) == A_MINUTE / 10


def test_events_that_wait_and_those_at_work_are_under_way(door, monkeypatch):
    monkeypatch.setattr(quick, "OF_ADDRESS", 3)
    monkeypatch.setattr(quick, "IN_ALL", 4)
    queue, scope = door.page._queue, {}
    with door.passed(scope, "a"):
        queue.event_queue_per_concurrency_id["x"] = SimpleNamespace(queue=[event("a")])
        assert door.problem("a", 1) is None
        queue.active_jobs[0] = [event("a")]
        assert door.problem("a", 1)[0] == 429 and door.problem("b", 1) is None
        queue.active_jobs[1] = [event("b")]
        assert door.problem("b", 1)[0] == 503 and "try again" in door.problem("b", 1)[1]
    assert scope == {quick.ADDRESS: "a"} and door.problem("b", 1) is None and door.problem("a", 1) is None


def test_few_are_at_work_at_once_and_addresses_take_turns():
    async def scene():
        turns, order, now, most = QuickTurns(running=2), [], 0, 0

        async def visit(address):
            nonlocal now, most
            async with turns.turn(Visitor(address, "the same")):
                now += 1
                most = max(most, now)
                order.append(address)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*(visit("flood") for _ in range(30)), visit("one"))
        return order, most

    order, most = asynchronous.run(scene())
    assert most == 2 and order.index("one") <= 4 and len(order) == 31


def test_an_event_that_goes_away_while_it_waits_gives_up_its_turn():
    async def scene():
        turns = QuickTurns(running=1)
        async with turns.turn(Visitor("a", "s")):
            waiting = asyncio.create_task(turns.turn(Visitor("a", "s")).__aenter__())
            await asyncio.sleep(0)
            assert len(turns.gate) == 2
            waiting.cancel()
            await asyncio.wait([waiting])
            assert len(turns.gate) == 1
        return len(turns.gate)

    assert asynchronous.run(scene()) == 0
