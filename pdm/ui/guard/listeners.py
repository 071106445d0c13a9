"""Who listens: for each session the open streams on which its answers go out, and who waits for a tool of MCP."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

KNOWN = 5000  # sessions remembered
BETWEEN = 0.5  # seconds from one stream to the next of a page that goes on
PATIENCE = 10.0  # seconds that a client may take between asking and listening
CALL = "x-pdm-call"  # the header by which what an MCP request led to is known


@dataclass
class _Session:
    open: int = 0
    opened: float = float("-inf")
    left: float = float("-inf")  # when the last stream broke off, which the server had not ended


class Listeners:
    """Used from the server's event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.ended = False  # once the app ends: nobody is listened to any more
        self.calls: set[str] = set()  # requests of MCP whose clients are there, by what their header `CALL` says
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def opened(self, session: str) -> None:
        known = self._sessions.setdefault(session, _Session())
        known.open, known.opened = known.open + 1, self.clock()
        self._sessions.move_to_end(session)
        while len(self._sessions) > KNOWN:
            self._sessions.popitem(last=False)

    def closed(self, session: str, *, broke_off: bool) -> None:
        known = self._sessions.get(session)
        if known is not None:
            known.open = max(0, known.open - 1)
            if broke_off:
                known.left = self.clock()

    def gone(self, session: str, since: float, call: str = "") -> bool:
        """Whether nobody listens any more to what a session asked for at that time of the clock.

        call: the `CALL` of the request, if any. All of MCP's calls share a session, which stays when a client leaves.
        """
        if self.ended or (call and call not in self.calls):
            return True
        known = self._sessions.get(session, _Session())
        if known.open:
            return False
        now = self.clock()
        left = known.left > since and now - known.left > BETWEEN
        return left or (known.opened < since and now - since > PATIENCE)
