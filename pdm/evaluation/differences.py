"""When two measurements differ: by more than repeating one with other seeds makes them differ."""

from __future__ import annotations

import math
from collections.abc import Mapping

Numbers = Mapping[str, float | None]


def differs(a: float, b: float, floor: float) -> bool:
    """Whether a and b are further apart than the noise floor. Raises ValueError for a floor that is none."""
    if not (math.isfinite(floor) and floor >= 0):
        raise ValueError(f"floor: expected a finite number of at least 0, got {floor!r}")
    return abs(a - b) > floor


def noise_floor(a: Numbers, b: Numbers) -> dict[str, float]:
    """How far two measurements of one thing are apart, by metric; a spread (`*_sd`) or a missing number is none."""
    floors = {}
    for name, first in a.items():
        second = b.get(name)
        if first is not None and second is not None and not name.endswith("_sd"):
            floors[name] = abs(first - second)
    return floors
