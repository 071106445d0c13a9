"""What a request may bring along: the size, depth and fields of JSON, before Gradio makes anything of it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

MAX_BODY = 2_000_000  # bytes of a request that is no upload
MAX_DEPTH = 64  # lists and objects in each other, counted with those inside of texts
SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
NOT_JSON = "request: expected a JSON object, got something else"
FIELDS = {
    "data": list | dict | None,
    "fn_index": int | None,
    "trigger_id": int | None,
    "session_hash": str | None,
    "event_id": str | None,
    "simple_format": bool | None,
    "batched": bool | None,
}
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def check_body(raw: bytes, events: Collection[int]) -> None:
    """Raise ValueError in one line for anything but a possible JSON body.

    events: the numbers that `fn_index` may have.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("request: expected JSON in UTF-8, got other bytes") from None
    if "\0" in text:
        raise ValueError("request: expected JSON in UTF-8, got other bytes")
    if _depth(raw) > MAX_DEPTH:
        raise ValueError(f"request: expected at most {MAX_DEPTH} lists or objects in each other, got more")
    try:
        values = json.loads(text)
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("text: expected whole characters, got half of one") from None
    except (ValueError, RecursionError):
        raise ValueError(NOT_JSON) from None
    if not isinstance(values, dict):
        raise ValueError(NOT_JSON)
    for field, kind in FIELDS.items():
        if not isinstance(values.get(field), kind):
            raise ValueError(f"{field}: expected another kind of value")
    if not SESSION.fullmatch(values.get("session_hash") or "-"):
        raise ValueError("session_hash: expected 1 to 64 letters, digits, - or _")
    number = values.get("fn_index")
    if isinstance(number, bool) or (number is not None and number not in events):
        raise ValueError("fn_index: expected the number of an event")


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    brackets = raw.translate(None, _NOT_BRACKETS)
    if len(brackets) <= MAX_DEPTH:
        return 0
    for c in brackets:
        depth = depth + 1 if c in b"[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest
