"""Quick events, such as clicks, looks and votes: how many an address may send, and how many are at work at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.types import Scope

from pdm.app.budget import Budget
from pdm.app.gate import Gate, Visitor

if TYPE_CHECKING:
    from pdm.ui.guard.blocks import GuardedBlocks

A_MINUTE = 2400  # requests of one address: a star that is dragged asks ten times a second
A_UNIT = 100_000  # bytes; a longer request counts as several
OF_ADDRESS, IN_ALL = 80, 240  # events under way, of one address and of all: at work or waiting, paintings as well
AT_WORK = 24  # quick events that run at once
ADDRESS = "pdm.address"  # where an ASGI scope holds who asks
ANY = 1e12  # no limit
BUSY = "requests: too many are under way in all; try again in a moment"
SEVERAL = f"requests: expected at most {OF_ADDRESS} of one address under way, got more; wait for their answers"


class QuickTurns:
    """At most so many quick events run at once; the others wait for their turns, which addresses share fairly."""

    def __init__(self, running: int = AT_WORK):
        self.gate = Gate(running=running, waiting=int(ANY), of_address=int(ANY), a_minute=ANY, beside=True)

    @asynccontextmanager
    async def turn(self, visitor: Visitor) -> AsyncIterator[None]:
        """Wait until this visitor's event may run; the turn ends with the block."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        ticket = self.gate.enter(visitor, 1, newer="waits", changed=wake)
        try:
            if ticket.state == "waiting":
                await woken.wait()
            yield
        finally:
            self.gate.leave(ticket)


class Door:
    """Refuses requests before Gradio hears of them, where an address sends too many or too much is under way."""

    def __init__(self, page: GuardedBlocks, clock: Callable[[], float] = time.monotonic):
        self.page, self.clock, self.budget = page, clock, Budget(A_MINUTE)
        self._direct: list[str] = []  # whose requests are being answered, without the queue too

    def problem(self, address: str, size: int) -> tuple[HTTPStatus, str] | None:
        """Why a request of `size` bytes can't come in, or None; it counts where this minute's share isn't used up."""
        now = self.clock()
        if not self.budget.spend(address, max(1.0, size / A_UNIT), now):
            seconds = 1 + int(self.budget.seconds_until(address, now))
            line = f"requests: expected at most {A_MINUTE} a minute, got more; wait {seconds} seconds"
            return HTTPStatus.TOO_MANY_REQUESTS, line
        addresses = [*self._direct, *self._queued()]
        if addresses.count(address) >= OF_ADDRESS:
            return HTTPStatus.TOO_MANY_REQUESTS, SEVERAL
        if len(addresses) >= IN_ALL:
            return HTTPStatus.SERVICE_UNAVAILABLE, BUSY
        return None

    @contextmanager
    def passed(self, scope: Scope, address: str) -> Iterator[None]:
        """Count a request as under way; an event that it puts into the queue is known by its address from then on."""
        scope[ADDRESS] = address
        self._direct.append(address)
        try:
            yield
        finally:
            self._direct.remove(address)

    def _queued(self) -> Iterator[str]:
        """Whose events wait in Gradio's queue, or are at work."""
        queue = self.page._queue
        for jobs in (*(q.queue for q in queue.event_queue_per_concurrency_id.values()), *queue.active_jobs):
            for event in jobs or ():
                yield event.request.scope.get(ADDRESS, "")
