"""Numbers as the page's controls give them."""

from __future__ import annotations

from typing import Any


def as_whole(value: Any) -> Any:
    """A slider's 8.0 as 8; anything else as it is, for the checks to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
