"""What a hostile or broken file may look like: a whole one, changed at random."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

LONG = "9" * 5000
VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    0.5,
    100_000,
    2**31,
    2**63,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\ud800",
    "a\nb",
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "x" * 20_000,
    [],
    {},
    [[1]],
    [None] * 3,
    {"path": "/etc/passwd"},
    {"__class__": "os.system"},
)
WHOLE = (
    b"",
    b"\0" * 64,
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"{" * 50_000,
    b"[" * 200_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"version": ' + LONG.encode() + b"}",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.",
    b"\x89PNG\r\n\x1a\n",
    b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (4,), }" + b" " * 60 + b"\n",
    b"SQLite format 3\0" + b"\xff" * 500,
    (2**62).to_bytes(8, "little") + b"{}",
    (2).to_bytes(8, "little") + b"{}",
)


def changed_bytes(raw: bytes, draw: random.Random) -> bytes:
    """Another file altogether, or this one cut, overwritten, lengthened or with some bits turned."""
    kind = draw.randrange(6)
    if kind == 0 or not raw:
        return draw.choice(WHOLE)
    at = draw.randrange(len(raw)) if draw.random() < 0.5 else draw.randrange(min(len(raw), 600))
    if kind == 1:
        return raw[:at]
    if kind == 2:
        return raw[:at] + draw.randbytes(draw.randrange(1, 16)) + raw[at:]
    if kind == 3:
        length = draw.randrange(1, 64)
        return raw[:at] + draw.randbytes(length) + raw[at + length :]
    if kind == 4:
        return raw + raw[: draw.randrange(len(raw))]
    changed = bytearray(raw)
    for _ in range(draw.randrange(1, 8)):
        changed[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def changed_json(value: object, draw: random.Random) -> object:
    """The same JSON with one value, anywhere in it, left out or put in another's place."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value))
        kind = draw.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.2:
            return {**value, draw.choice(("", "\ud800", "__proto__", "_class_name")): draw.choice(VALUES)}
        return {**value, key: changed_json(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.6:
        at = draw.randrange(len(value))
        return [*value[:at], changed_json(value[at], draw), *value[at + 1 :]]
    return draw.choice(VALUES)


def changed_file(path: Path, draw: random.Random) -> None:
    """Change a file in place: JSON half of the time within its values."""
    raw = path.read_bytes()
    if path.suffix == ".json" and draw.random() < 0.7:
        path.write_text(json.dumps(changed_json(json.loads(raw), draw)))
    elif path.suffix == ".safetensors" and draw.random() < 0.5:
        path.write_bytes(changed_header(raw, draw))
    elif draw.random() < 0.03:
        path.unlink()
        os.mkfifo(path) if draw.random() < 0.5 else path.mkdir()
    else:
        path.write_bytes(changed_bytes(raw, draw))


def changed_header(raw: bytes, draw: random.Random) -> bytes:
    """A .safetensors file whose header says something else."""
    length = int.from_bytes(raw[:8], "little")
    header = json.dumps(changed_json(json.loads(raw[8 : 8 + length]), draw)).encode()
    return len(header).to_bytes(8, "little") + header + raw[8 + length :]
