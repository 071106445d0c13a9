"""The prototype sets of scripts, by the session that their requests carry: nobody's is lost, shared or swapped."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from pdm.ui.guard.visitors import own_session, required_session, visitor_of
from pdm.ui.shared.session import VisitorSets

MAX_CLIENTS, OF_ADDRESS = 200, 50  # whose sets are kept, in all and of one address
IDLE = 3600.0  # seconds without use, after which a set is dropped
BUSY = 60.0  # seconds since its last use in which a set is not dropped for somebody else's
REMEMBERED = 5000  # sessions whose sets were dropped
GONE = (
    "prototype_set: expected this session's, but it is gone, unused for too long; /load_set brings a saved one back, "
    "/edit with the operation reset begins with the model's own"
)
FULL = "prototype_set: expected fewer sessions that edit at once; try again in a minute"


@dataclass(eq=False)
class _Client:
    address: str
    used: float
    sets: VisitorSets = field(default_factory=VisitorSets)
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0  # calls that hold it at this moment: it is not dropped under them


class Clients:
    """Safe between threads; a client's own calls change its sets one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()  # the latest used last
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, asker: gr.Request) -> VisitorSets:
        """The sets of a client, the models' own where it never edited. Raises gr.Error where they were dropped."""
        session = own_session(asker)
        if session is None:
            return VisitorSets()
        with self._lock:
            self._drop_idle()
            self._check_not_gone(session)
            client = self._clients.get(session)
            return self._touched(session, client).sets if client else VisitorSets()

    def change(
        self, asker: gr.Request, change: Callable[[VisitorSets], tuple[VisitorSets, Any]], *, anew: bool = False
    ) -> Any:
        """Change a client's sets, from reading to writing alone with them; returns what `change` made besides.

        anew: the change does not build upon what was there. Raises gr.Error without a session.
        """
        session = required_session(asker)
        with self._lock:
            client = self._held(session, visitor_of(asker).address, anew)
        try:
            with client.lock:
                client.sets, result = change(client.sets)
            return result
        finally:
            with self._lock:
                client.users -= 1

    def _held(self, session: str, address: str, anew: bool) -> _Client:
        self._drop_idle()
        if anew:
            self._gone.pop(session, None)
        self._check_not_gone(session)
        client = self._clients.get(session)
        if client is None:
            self._make_room(address)
            client = _Client(address, self._clock())
        client.users += 1
        return self._touched(session, client)

    def _touched(self, session: str, client: _Client) -> _Client:
        client.used = self._clock()
        self._clients[session] = client
        self._clients.move_to_end(session)
        return client

    def _check_not_gone(self, session: str) -> None:
        if session in self._gone:
            raise gr.Error(GONE, print_exception=False)

    def _drop_idle(self) -> None:
        limit = self._clock() - IDLE
        for session in [s for s, c in self._clients.items() if c.used < limit and not c.users]:
            self._drop(session)

    def _make_room(self, address: str) -> None:
        """One address pushes out its own sets first, and others' only when they rest."""
        own = [s for s, c in self._clients.items() if c.address == address and not c.users]
        if len(own) >= OF_ADDRESS:
            self._drop(own[0])
        if len(self._clients) >= MAX_CLIENTS:
            limit = self._clock() - BUSY
            resting = next((s for s, c in self._clients.items() if c.used < limit and not c.users), None)
            if resting is None:
                raise gr.Error(FULL, print_exception=False)
            self._drop(resting)

    def _drop(self, session: str) -> None:
        del self._clients[session]
        self._gone[session] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)
