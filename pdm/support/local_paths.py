"""Paths of this machine, taken out of what is published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# A path from the root, the home or a drive on, inside a text; what stands behind ":" or "/" is a part of an address.
INSIDE = re.compile(r"(?<![\w.:/\\~])(?:~|[A-Za-z]:)?[/\\](?=\S)(?:[^\s'\",;/\\]+[/\\]+)*([^\s'\",;/\\]*)")
WHOLE = re.compile(r"(?:~|[A-Za-z]:)?[/\\].*", re.DOTALL)


def without_paths(value: Any, places: Iterable[Path | str] = ()) -> Any:
    """A JSON value in which nothing says where files lie: of a path its last name is left.

    `places`: folders that are known to be this machine's; their names may hold spaces.
    """
    known = sorted({str(place).rstrip("/\\") for place in places} - {"", "."}, key=len, reverse=True)
    return _without(value, known)


def _without(value: Any, known: list[str]) -> Any:
    if isinstance(value, dict):
        return {_text(name, known): _without(inner, known) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without(inner, known) for inner in value]
    return _text(value, known) if isinstance(value, str) else value


def _text(text: str, known: list[str]) -> str:
    if WHOLE.fullmatch(text):
        return last_name(text)
    for place in known:
        text = text.replace(place, last_name(place))
    return INSIDE.sub(lambda found: found[1], text)


def last_name(path: str) -> str:
    """What a path of either kind of system ends with."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
