"""A prototype set as stored: one .safetensors file, or for a browser the JSON of what differs from the model's own.

Reading trusts nothing: sizes are checked before anything is made of them, and values by the set's own rules.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from pdm.editing.prototype_set import MAX_DIM, MAX_PROTOTYPES, Prototype, PrototypeSet, vector_bytes
from pdm.support.checks import expect, is_text, is_whole, shown
from pdm.support.files import atomic_file, check_regular

VERSION = 1  # of both formats
MAX_BYTES = 8_000_000
MAX_EDITS, MAX_SENTENCE = 10_000, 400  # sentences kept, the latest ones, and characters of each
KEY = "prototype_set"  # of the JSON in the file's header
COLUMNS = {  # tensors (n,) beside vectors (n, D)
    "ids": (torch.int64, "I64"),
    "usage": (torch.float64, "F64"),
    "scale": (torch.float64, "F64"),
    "muted": (torch.bool, "BOOL"),
}
FIELDS = ("names", "tags", "stands_for", "next_id", "model", "model_hash", "spherical", "edits", "version")
DELTA = ("version", "model", "model_hash", "next_id", "removed", "changed")
CHANGES = ("name", "vector", "usage", "tags", "scale", "muted", "stands_for")


def save_set(prototypes: PrototypeSet, path: str | Path, edits: Sequence[str] = ()) -> Path:
    """Write `set_bytes` to a file, whole or not at all; what killed processes left of files beside it goes."""
    raw = set_bytes(prototypes, edits)
    with atomic_file(Path(path)) as part:
        part.write_bytes(raw)
    return Path(path)


def load_set(path: str | Path, expect: PrototypeSet | None = None) -> tuple[PrototypeSet, tuple[str, ...]]:
    """The set in a file and the sentences of its edits; raises ValueError in one line, as `read_set` does."""
    try:
        check_regular(Path(path))
        with open(path, "rb") as file:
            return read_set(file.read(MAX_BYTES + 1), expect)
    except OSError as error:
        raise ValueError(f"{path}: expected a prototype set, got: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def set_bytes(prototypes: PrototypeSet, edits: Sequence[str] = ()) -> bytes:
    """The file of a set: equal sets and edits make equal bytes. Of the edits the latest 10,000 are kept."""
    rows = prototypes.prototypes
    columns = {
        "ids": [p.id for p in rows],
        "usage": [p.usage for p in rows],
        "scale": [p.scale for p in rows],
        "muted": [p.muted for p in rows],
    }
    tensors = {name: torch.tensor(values, dtype=COLUMNS[name][0]) for name, values in columns.items()}
    values = {
        "names": [p.name for p in rows],
        "tags": [p.tags for p in rows],
        "stands_for": [p.stands_for for p in rows],
        "next_id": prototypes.next_id,
        "model": prototypes.model,
        "model_hash": prototypes.model_hash,
        "spherical": prototypes.spherical,
        "edits": _checked_edits(list(edits)[-MAX_EDITS:]),
        "version": VERSION,
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    raw = safetensors.torch.save({"vectors": prototypes.vectors(), **tensors}, {KEY: text})
    if len(raw) > MAX_BYTES:
        raise ValueError(f"prototype set: expected at most {MAX_BYTES} bytes, got {len(raw)}")
    return raw


def read_set(raw: bytes, expected: PrototypeSet | None = None) -> tuple[PrototypeSet, tuple[str, ...]]:
    """The inverse of `set_bytes`. With `expected`, a set of the model at hand, one of another model is refused.

    Raises ValueError in one line for anything but a whole file of this version that holds a possible set.
    """
    if len(raw) > MAX_BYTES:
        raise ValueError(f"prototype set: expected at most {MAX_BYTES} bytes, got a larger file")
    header = _header(raw)
    values = _metadata(header)
    _check_tensors(header)
    try:
        tensors = safetensors.torch.load(raw)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        line = "prototype set: expected a whole .safetensors file, got a part of one, or one whose tensors do not fit"
        raise ValueError(line) from error
    vectors, ids, usage, scale, muted = (tensors[k] for k in ("vectors", "ids", "usage", "scale", "muted"))
    for field in ("names", "tags", "stands_for"):
        fits = isinstance(values[field], list) and len(values[field]) == len(vectors)
        expect(field, values[field], f"a list of {len(vectors)}", fits)
    rows = zip(
        ids.tolist(),
        values["names"],
        map(vector_bytes, vectors),
        usage.tolist(),
        values["tags"],
        scale.tolist(),
        muted.tolist(),
        values["stands_for"],
        strict=True,
    )
    found = PrototypeSet(
        values["model"],
        values["model_hash"],
        tuple(Prototype(*row) for row in rows),
        values["next_id"],
        values["spherical"],
    )
    if expected is not None:
        check_same_model(found, expected)
    return found, tuple(_checked_edits(values["edits"]))


def check_same_model(found: PrototypeSet, expected: PrototypeSet) -> None:
    """Raise ValueError for a set that was made with another model than the one expected."""
    if found.dim != expected.dim:
        raise ValueError(f"vectors: expected a width of {expected.dim} as the model's, got {found.dim}")
    same = (found.model_hash, found.spherical) == (expected.model_hash, expected.spherical)
    ours, theirs = (f"{s.model} ({s.model_hash})" for s in (expected, found))
    expect("model_hash", theirs, f"a set made with {ours}", same)


def to_delta(prototypes: PrototypeSet, base: PrototypeSet) -> dict:
    """What differs from `base` as plain JSON values: ids removed, and of the others the fields that changed."""
    check_same_model(prototypes, base)
    there = {p.id: p for p in base.prototypes}
    changed = []
    for p in prototypes.prototypes:
        old = there.get(p.id)
        new = {k: getattr(p, k) for k in CHANGES if old is None or getattr(p, k) != getattr(old, k)}
        if new:
            changed.append({"id": p.id, **{k: _as_json(v) for k, v in new.items()}})
    removed = sorted(set(base.ids) - set(prototypes.ids))
    values = (VERSION, prototypes.model, prototypes.model_hash, prototypes.next_id, removed, changed)
    return dict(zip(DELTA, values, strict=True))


def from_delta(delta: object, base: PrototypeSet) -> PrototypeSet:
    """The inverse of `to_delta`; raises ValueError in one line for anything that is none, or of another model."""
    given = _with_fields("delta", delta, DELTA)
    expect("version", given["version"], f"{VERSION}", is_whole(given["version"], VERSION, VERSION))
    for field in ("removed", "changed"):
        fits = isinstance(given[field], list) and len(given[field]) <= MAX_PROTOTYPES
        expect(field, given[field], f"a list of at most {MAX_PROTOTYPES}", fits)
    there = {p.id: p for p in base.prototypes}
    removed = {base.get(k, "removed").id for k in given["removed"]}
    merged = {k: p for k, p in there.items() if k not in removed}
    for row in given["changed"]:
        expect("changed", row, "JSON objects with an id", isinstance(row, dict) and is_whole(row.get("id"), 0))
        k = row["id"]
        expect("changed", k, "each id once, and none that is removed", k not in removed)
        removed.add(k)
        _with_fields("changed", row, ("id", *CHANGES), () if k in there else CHANGES)
        new = {**row, "vector": _from_base64(row["vector"])} if "vector" in row else row
        old = {field: getattr(there[k], field) for field in CHANGES} if k in there else {}
        merged[k] = Prototype(**{**old, **new})
    prototypes = tuple(merged[k] for k in sorted(merged))
    found = PrototypeSet(given["model"], given["model_hash"], prototypes, given["next_id"], base.spherical)
    check_same_model(found, base)
    return found


def _header(raw: bytes) -> dict:
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or not 2 <= length <= len(raw) - 8:
        raise ValueError("prototype set: expected a whole .safetensors file, got another or a part of one")
    try:
        header = json.loads(raw[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ValueError("prototype set: expected a .safetensors file, got one with a damaged header") from error
    expect("prototype set", type(header).__name__, "a JSON object as header", isinstance(header, dict))
    return header


def _metadata(header: dict) -> dict:
    """The JSON that `set_bytes` put into the header."""
    try:
        values = json.loads(header["__metadata__"][KEY])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("prototype set: expected a file written by this project, got one of another kind") from error
    if isinstance(values, dict):  # before the fields, which another version may have others of
        version = values.get("version")
        expect("version", version, f"{VERSION}", is_whole(version, VERSION, VERSION))
    return _with_fields("prototype set", values, FIELDS)


def _check_tensors(header: dict) -> None:
    """Names, types and shapes, before memory is taken for any."""
    tensors = {k: (v.get("dtype"), v.get("shape")) for k, v in header.items() if isinstance(v, dict)}
    tensors.pop("__metadata__", None)
    names = ("vectors", *COLUMNS)
    expect("tensors", sorted(tensors), f"{', '.join(names)}", set(tensors) == set(names))
    kind, shape = tensors["vectors"]
    whole = shape if isinstance(shape, list) and len(shape) == 2 else [0, 0]
    fits = is_whole(whole[0], 1, MAX_PROTOTYPES) and is_whole(whole[1], 1, MAX_DIM) and kind == "F32"
    expect("vectors", (kind, shape), f"F32 of shape (1 to {MAX_PROTOTYPES}, 1 to {MAX_DIM})", fits)
    for name, (_, kind) in COLUMNS.items():
        expect(name, tensors[name], f"{kind} of shape {whole[:1]}", tensors[name] == (kind, whole[:1]))


def _with_fields(field: str, values: object, known: Sequence[str], required: Sequence[str] | None = None) -> dict:
    """The values, a JSON object with the fields required (all, if not given) and no unknown ones; raises ValueError."""
    expect(field, values, "a JSON object", isinstance(values, dict))
    assert isinstance(values, dict)
    required = known if required is None else required
    wrong = [*(k for k in values if k not in known), *(k for k in required if k not in values)]
    expect(field, wrong, f"the fields {', '.join(known)}", not wrong)
    return values


def _checked_edits(edits: object) -> list[str]:
    fits = isinstance(edits, list) and len(edits) <= MAX_EDITS
    expect("edits", edits, f"a list of at most {MAX_EDITS} sentences", fits)
    assert isinstance(edits, list)
    for sentence in edits:
        expected = f"sentences of 1 to {MAX_SENTENCE} printable characters"
        expect("edits", sentence, expected, is_text(sentence, MAX_SENTENCE))
    return edits


def _as_json(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value) if isinstance(value, tuple) else value


def _from_base64(text: object) -> bytes:
    try:
        expect("vector", text, "base64", isinstance(text, str) and len(text) <= 6 * MAX_DIM)
        assert isinstance(text, str)
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii's own is one
        raise ValueError(f"vector: expected at most {MAX_DIM} numbers in base64, got {shown(text)}") from error
