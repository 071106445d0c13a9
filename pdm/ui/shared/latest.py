"""What visitors did last: a number that grows with each thing they do, which threads may note and ask for."""

from __future__ import annotations

import threading
from collections import OrderedDict

from pdm.support.checks import whole

MAX_VISITORS = 10_000  # whose latest number is remembered
MOST = 10**15  # a turn's number: a time in milliseconds


class Turns:
    """The number of the latest thing that each visitor did."""

    def __init__(self, most: int = MAX_VISITORS):
        self._most = most
        self._latest: OrderedDict[str | None, int] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, visitor: str | None, turn: int) -> None:
        """A visitor has done this, or something later."""
        with self._lock:
            self._latest[visitor] = max(turn, self._latest.pop(visitor, 0))
            while len(self._latest) > self._most:
                self._latest.popitem(last=False)

    def passed(self, visitor: str | None, turn: int) -> bool:
        """Whether the visitor has done something since."""
        with self._lock:
            return self._latest.get(visitor, 0) > turn

    def outdated(self, visitor: str | None, turn: object) -> bool:
        """Whether something that a visitor has done comes after what was done later, which is known from now on.

        Raises ValueError for a `turn` that is no number of that kind.
        """
        whole("turn", turn, 0, MOST)
        assert isinstance(turn, int)
        self.note(visitor, turn)
        return self.passed(visitor, turn)
