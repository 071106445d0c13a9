"""What one visitor may use a minute: allowances that refill by and by. The time is an argument; nothing sleeps here."""

from __future__ import annotations

import threading
from collections import OrderedDict

KEYS = 10_000  # visitors remembered; those heard of longest ago are forgotten, and begin with a whole allowance


class Budget:
    """`a_minute` units for each key, refilled evenly. Whoever has any left may spend more than he has, into debt.

    So a single dear request is always possible, and what it cost is waited for afterwards.
    """

    def __init__(self, a_minute: float):
        self.a_minute = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (units left, at that time)
        self._lock = threading.Lock()

    def left(self, key: str, now: float) -> float:
        """Units that this key has left; below 0 is debt."""
        with self._lock:
            return self._at(key, now)

    def spend(self, key: str, units: float, now: float) -> bool:
        """Take units from a key that has any left; False, and nothing taken, for one that has none."""
        with self._lock:
            left = self._at(key, now)
            if left <= 0:
                return False
            self._left[key] = left - units, now
            self._left.move_to_end(key)
            while len(self._left) > KEYS:
                self._left.popitem(last=False)
            return True

    def seconds_until(self, key: str, now: float) -> float:
        """How long until this key may spend again."""
        return max(0.0, -self.left(key, now)) * 60 / self.a_minute

    def _at(self, key: str, now: float) -> float:
        left, then = self._left.get(key, (self.a_minute, now))
        return min(self.a_minute, left + max(0.0, now - then) * self.a_minute / 60)
