"""Checks of what a visitor or a file gave: an error says in one line which field, what was expected and what came."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def expect(field: str, value: object, expected: str, holds: bool) -> None:
    """Raise ValueError for the field unless its value holds."""
    if not holds:
        raise ValueError(f"{field}: expected {expected}, got {shown(value)}")


def one_of(field: str, value: object, allowed: Iterable[str]) -> None:
    """Raise ValueError unless the value is one of the allowed names."""
    names = tuple(allowed)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{field}: expected one of {', '.join(names)}, got {shown(value)}")


def some_of(field: str, text: str, allowed: Iterable[str]) -> list[str]:
    """The names in "speed,memory", each once; raises ValueError for one that is not allowed, or comes again."""
    names, found = tuple(allowed), [name.strip() for name in text.split(",")]
    for i, name in enumerate(found):
        if name not in names or name in found[:i]:
            raise ValueError(f"{field}: expected some of {', '.join(names)}, each once, got {shown(name)}")
    return found


def whole(field: str, value: object, low: int, high: int | None = None) -> None:
    """Raise ValueError unless the value is a whole number from `low` (to `high`)."""
    if high is None:
        expect(field, value, f"a whole number of at least {low}", is_whole(value, low, 2**63 - 1))
    else:
        expect(field, value, f"a whole number from {low} to {high}", is_whole(value, low, high))


def shown(value: object) -> str:
    """A value in an error message: cut, because a hostile one may be of any length."""
    if isinstance(value, int) and abs(value) >= 2**64:  # Python refuses to write out the very long ones
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, (list, tuple, dict, bytes)) and len(value) > 20:
        return f"{type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"


def reason(error: BaseException, longest: int = 300) -> str:
    """The first line of an error of a library's, cut: it may repeat what a hostile file holds."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= longest else line[: longest - 1] + "…"


def is_whole(value: object, low: int, high: int = 2**53) -> bool:
    """A whole number in a range; up to 2^53 JSON readers agree on it. True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: object, low: float = -sys.float_info.max, high: float = sys.float_info.max) -> bool:
    """A finite number in a range; NaN is in none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def is_text(value: object, longest: int) -> bool:
    """Characters that can be printed: none that breaks the line, is invisible or turns the writing round."""
    return isinstance(value, str) and 1 <= len(value) <= longest and value.isprintable()


def known_ids(ids: tuple[int, ...]) -> str:
    """Ids as people write them, in order: "0 to 5, 7, 9 to 12"."""
    runs: list[list[int]] = []
    for k in sorted(ids):
        if runs and k == runs[-1][1] + 1:
            runs[-1][1] = k
        else:
            runs.append([k, k])
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    return ", ".join(parts if len(parts) <= 12 else [*parts[:12], f"... ({len(ids)} in all)"])
