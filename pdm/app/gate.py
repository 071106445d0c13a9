"""The one gate for all work on the net: who paints next, how many may wait, and what a visitor may ask for a minute.

Nothing here waits or knows of a server: `pdm.ui.guard.turns` does. The order is that of self-clocked fair queueing
(Golestani 1994) over addresses, and within an address over its visitors: each gets the same share of the work, cheap
requests come before dear ones, and a dear one is put off no longer than its own price lasts for everybody else.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal

from pdm.app.budget import Budget

WAITING, OF_ADDRESS = 48, 12  # requests that may wait, in all and of one address
AT_WORK = 8  # requests of one address that run at once
DEAR = 600.0  # of `price`: more than sixteen pictures in three ways; at most half of those that run are dear
A_MINUTE = 60_000.0  # of `price` that one address may ask for: 47 times 64 pictures in ten guided steps
MAX_PRICE = 64 * 1000 * 2.0  # of anything a request may ask for

State = Literal["waiting", "running", "replaced", "done"]


class RefusedError(ValueError):
    """This request can't wait for its turn; the message says why and what to do."""


@dataclass(frozen=True)
class Visitor:
    """Who asks. `address` is what he does not choose: limits count by it. `session` tells two at one address apart."""

    address: str
    session: str


@dataclass(eq=False)
class Ticket:
    """A request at the gate. `changed` is called whenever its state does, from whatever thread changed it."""

    visitor: Visitor
    price: float
    changed: Callable[[], None] = lambda: None
    state: State = "waiting"
    number: int = 0
    start: float = 0.0  # in the clock of its address

    @property
    def tag(self) -> float:
        """Of one address's waiting requests the one of the lowest tag is next."""
        return self.start + self.price


@dataclass
class Share:
    """A clock that advances with the work done; `ends` is where each key's work ends on it."""

    now: float = 0.0
    ends: dict[Hashable, float] = field(default_factory=dict)

    def start(self, key: Hashable) -> float:
        return max(self.now, self.ends.get(key, 0.0))

    def serve(self, key: Hashable, end: float) -> None:
        """The work of a key that ends there was taken up; who is not ahead of the clock is forgotten."""
        self.now, self.ends[key] = max(self.now, end), end
        self.ends = {k: e for k, e in self.ends.items() if e > self.now or k == key}


def price(
    count: object, steps: object, guidance: object = None, *, others: object = 0, strength: object = 1.0
) -> float:
    """What pictures cost: how often the net is asked for one. What is no number costs 1: it will be refused anyhow.

    guidance: 1 is none and costs half; None is the model's own. others: how many prototypes each have a prediction of
    their own beside the first, as negative ones do and those of a product; strength: the share of the steps that a
    picture of one's own leaves. Inverting one is two steps, without guidance, for each step.
    """
    pictures, calls = _number(count), _number(steps)
    if pictures is None or calls is None:
        return 1.0
    beside = max(0.0, _number(others) or 0.0)
    branches = 2 + beside if beside else 1 if guidance == 1 else 2
    share = _number(strength)
    calls *= 1.0 if share is None else min(1.0, max(0.0, share))
    return float(min(MAX_PRICE, max(1.0, pictures) * max(1.0, calls) * branches))


def _number(value: object) -> int | float | None:
    """The value if it is a number, and not NaN."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value == value else None


class Gate:
    """At most `running` tickets run at once, one a visitor and eight an address; of the others each has one that waits.

    Safe between threads. Of those that run at most half are dear, so that what is cheap never waits for dear ones
    alone. A gate for quick work lets a visitor's requests wait one after the other (`newer="waits"`), and run beside
    each other (`beside`).
    """

    def __init__(
        self,
        *,
        running: int = 1,
        waiting: int = WAITING,
        of_address: int = OF_ADDRESS,
        a_minute: float = A_MINUTE,
        beside: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.running, self.waiting, self.of_address, self.clock = running, waiting, of_address, clock
        self.beside, self.budget = beside, Budget(a_minute)
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._addresses = Share()
        self._visitors: dict[str, Share] = {}  # of each address with something that waits or runs
        self._backlog: dict[str, float] = {}  # address -> where the work of its next ticket starts

    def enter(
        self,
        visitor: Visitor,
        price: float,
        *,
        newer: Literal["replaces", "refused", "waits"] = "refused",
        changed: Callable[[], None] = lambda: None,
    ) -> Ticket:
        """A ticket that waits, or runs at once. Raises RefusedError.

        newer: what becomes of a request while another one of the same visitor waits.
        """
        with self._lock:
            earlier = None if newer == "waits" else self._waiting_of(visitor)
            self._check(visitor, earlier, newer)
            ticket = Ticket(visitor, price, changed, number=next(self._numbers))
            share = self._visitors.setdefault(visitor.address, Share())
            ticket.start = share.start(visitor.session)
            self._backlog.setdefault(visitor.address, self._addresses.start(visitor.address))
            if earlier is not None:  # it takes over the place, or a dragged star would never come to be painted
                ticket.start, ticket.number = earlier.start, earlier.number
                self._waiting.remove(earlier)
                earlier.state = "replaced"
            self._waiting.append(ticket)
            started = self._start()
        self._tell([*([earlier] if earlier else []), *started])
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Done, or no longer wanted, whatever its state; what comes next starts."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            if ticket in self._running:
                self._running.remove(ticket)
            if ticket.state != "replaced":
                ticket.state = "done"
            started = self._start()
            self._forget(ticket.visitor.address)
        self._tell(started)

    def wake(self, visitor: Visitor) -> None:
        """Call `changed` of what a visitor has waiting: whoever waits with it looks whether he still should."""
        with self._lock:
            waiting = self._waiting_of(visitor)
        self._tell([waiting] if waiting else [])

    def before(self, ticket: Ticket) -> int:
        """How many come before a ticket that waits, those at work counted; 0 for one that does not wait."""
        with self._lock:
            if ticket.state != "waiting":
                return 0
            return len(self._running) + self._order(self._waiting).index(ticket)

    def __len__(self) -> int:
        """How many wait or run."""
        return len(self._waiting) + len(self._running)

    def _waiting_of(self, visitor: Visitor) -> Ticket | None:
        return next((t for t in self._waiting if t.visitor == visitor), None)

    def _check(self, visitor: Visitor, earlier: Ticket | None, newer: str) -> None:
        now = self.clock()
        if self.budget.left(visitor.address, now) <= 0:
            seconds = 1 + int(self.budget.seconds_until(visitor.address, now))
            raise RefusedError(f"painting: this minute's share is used up; wait {seconds} seconds, then ask for less")
        if earlier is not None:
            if newer == "refused":
                raise RefusedError("painting: expected one waiting request a visitor, got another; wait for the first")
            return
        of_address = sum(t.visitor.address == visitor.address for t in self._waiting)
        if len(self._waiting) >= self.waiting or of_address >= self.of_address:
            raise RefusedError(f"painting: {len(self._waiting)} requests are waiting already; try again in a minute")

    def _start(self) -> list[Ticket]:
        """Let tickets in while there is room; returns them."""
        started = []
        while len(self._running) < self.running and (able := [t for t in self._waiting if self._may_run(t)]):
            ticket = self._order(able, 1)[0]
            self._waiting.remove(ticket)
            address = ticket.visitor.address
            end = self._backlog[address] + ticket.price
            self._addresses.serve(address, end)
            self._backlog[address] = end
            self._visitors[address].serve(ticket.visitor.session, ticket.tag)
            self.budget.spend(address, ticket.price, self.clock())
            ticket.state = "running"
            self._running.append(ticket)
            started.append(ticket)
            self._forget(address)
        return started

    def _may_run(self, ticket: Ticket) -> bool:
        """Whether nothing but the number of those that run keeps a ticket from running."""
        if self.beside:
            return True
        if any(t.visitor == ticket.visitor for t in self._running):
            return False  # what he asked for later would be shown earlier
        if sum(t.visitor.address == ticket.visitor.address for t in self._running) >= AT_WORK:
            return False
        dear = sum(t.price > DEAR for t in self._running)
        return ticket.price <= DEAR or dear < max(1, self.running // 2)

    def _order(self, tickets: list[Ticket], count: int | None = None) -> list[Ticket]:
        """Waiting tickets as they would run if nobody else came, or the first few."""
        lines: dict[str, list[Ticket]] = {}
        for ticket in sorted(tickets, key=lambda t: (t.tag, t.number)):
            lines.setdefault(ticket.visitor.address, []).append(ticket)
        starts, order = dict(self._backlog), []
        while lines and (count is None or len(order) < count):
            address = min(lines, key=lambda a: (starts[a] + lines[a][0].price, lines[a][0].number))
            ticket = lines[address].pop(0)
            starts[address] += ticket.price
            order.append(ticket)
            if not lines[address]:
                del lines[address]
        return order

    def _forget(self, address: str) -> None:
        if not any(t.visitor.address == address for t in self._waiting):
            self._backlog.pop(address, None)
            if not any(t.visitor.address == address for t in self._running):
                self._visitors.pop(address, None)

    @staticmethod
    def _tell(tickets: list[Ticket]) -> None:
        for ticket in tickets:
            ticket.changed()
