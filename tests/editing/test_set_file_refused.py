"""Files and JSON that hold no prototype set: each is refused in one line."""

import json
import math
import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm.editing import edits
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import from_delta, load_set, read_set, save_set, set_bytes, to_delta
from tests.editing.test_set_file import BASE
from tests.sets import HASH, MARKUP, tiny_set


def refused(action: Callable) -> str:
    with pytest.raises(ValueError) as error:
        action()
    message = str(error.value)
    assert "\n" not in message and len(message) < 500 and "expected" in message and ", got" in message, message
    return message


def rewritten(raw: bytes, change: Callable[[dict, dict], None]) -> bytes:
    """The file with its header changed: `change` gets the header and the JSON within it."""
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    values = json.loads(header["__metadata__"]["prototype_set"])
    change(header, values)
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["prototype_set"] = json.dumps(values)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + raw[8 + length :]


def with_tensors(change: Callable[[dict], None], some: PrototypeSet = BASE) -> bytes:
    raw = set_bytes(some)
    length = int.from_bytes(raw[:8], "little")
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(raw)
    change(tensors)
    return safetensors.torch.save(tensors, metadata)


def test_a_path_that_is_no_readable_file_is_refused_by_its_name(tmp_path):
    for path in (tmp_path / "missing.safetensors", tmp_path):
        assert refused(lambda path=path: load_set(path)).startswith(f"{path}: expected a prototype set, got: ")


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"\x89PNG\r\n\x1a\n" + bytes(40), b"PK\x03\x04" * 9, b"\xff" * 100, b"{}" * 50]
)
def test_files_of_other_kinds_are_refused(tmp_path, raw):
    path = tmp_path / "a.safetensors"
    path.write_bytes(raw)
    assert refused(lambda: load_set(path)).startswith(f"{path}: prototype set: expected a whole .safetensors file, got")


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(2**40)  # no bytes on the disk, a terabyte by its size
    assert "expected at most 8000000 bytes, got a larger file" in refused(lambda: load_set(path))


@given(st.integers(0, len(set_bytes(BASE)) - 1))
def test_a_truncated_file_is_refused_wherever_it_ends(end):
    refused(lambda: read_set(set_bytes(BASE)[:end]))


@settings(max_examples=150)
@given(st.integers(0, len(set_bytes(BASE)) - 1), st.integers(1, 255))
def test_a_damaged_byte_gives_a_sound_set_or_one_line(at, change):
    raw = bytearray(set_bytes(BASE))
    raw[at] ^= change
    try:
        found, _ = read_set(bytes(raw))
    except ValueError as error:
        assert "\n" not in str(error) and len(str(error)) < 500
    else:
        assert isinstance(found, PrototypeSet) and found.ids and found.vectors().isfinite().all()


def test_another_projects_safetensors_file_is_refused():
    tensors = {"vectors": torch.ones(3, 4)}
    for metadata in (None, {"format": "pt"}, {"prototype_set": "{"}, {"prototype_set": "[" * 100_000}):
        raw = safetensors.torch.save(tensors, metadata)
        assert "expected a file written by this project" in refused(lambda raw=raw: read_set(raw))
    assert "expected a JSON object" in refused(
        lambda: read_set(safetensors.torch.save(tensors, {"prototype_set": "1"}))
    )


HEADERS = [
    ("version", lambda h, v: v.update(version=2)),
    ("version", lambda h, v: v.update(version=True)),
    ("version", lambda h, v: v.pop("version")),
    ("prototype set", lambda h, v: v.pop("names")),
    ("prototype set", lambda h, v: v.update(colour="red")),
    ("names", lambda h, v: v["names"].pop()),
    ("names", lambda h, v: v.update(names="abcdef")),
    ("name", lambda h, v: v["names"].__setitem__(2, "x" * 61)),
    ("name", lambda h, v: v["names"].__setitem__(2, "")),
    ("name", lambda h, v: v["names"].__setitem__(2, "a\u0007")),
    ("name", lambda h, v: v["names"].__setitem__(2, 3)),
    ("name", lambda h, v: v["names"].__setitem__(2, "<script>alert(1)</script>" * 3)),
    ("name", lambda h, v: v["names"].__setitem__(2, "x" * 10**6)),
    ("tags", lambda h, v: v["tags"].append([])),
    ("tags", lambda h, v: v["tags"].__setitem__(0, "dark")),
    ("tags", lambda h, v: v["tags"].__setitem__(0, ["x" * 25])),
    ("tags", lambda h, v: v["tags"].__setitem__(0, [["a"]])),
    ("stands_for", lambda h, v: v["stands_for"].__setitem__(0, [-1])),
    ("stands_for", lambda h, v: v["stands_for"].__setitem__(0, None)),
    ("stands_for", lambda h, v: v.update(stands_for={})),
    ("next_id", lambda h, v: v.update(next_id=3)),
    ("next_id", lambda h, v: v.update(next_id="9")),
    ("model", lambda h, v: v.update(model=None)),
    ("model", lambda h, v: v.update(model="x" * 201)),
    ("model_hash", lambda h, v: v.update(model_hash="f" * 15)),
    ("model_hash", lambda h, v: v.update(model_hash=3)),
    ("spherical", lambda h, v: v.update(spherical="yes")),
    ("edits", lambda h, v: v.update(edits=None)),
    ("edits", lambda h, v: v.update(edits=[""])),
    ("edits", lambda h, v: v.update(edits=["x"] * 10_001)),
    ("edits", lambda h, v: v.update(edits=[{"a": 1}])),
    ("edits", lambda h, v: v.update(edits="abc")),
    ("vectors", lambda h, v: h["vectors"].update(shape=[2**40, 2**40])),
    ("vectors", lambda h, v: h["vectors"].update(shape=[30])),
    ("vectors", lambda h, v: h["vectors"].update(shape=[0, 5])),
    ("vectors", lambda h, v: h["vectors"].update(shape=[6, 0])),
    ("vectors", lambda h, v: h["vectors"].update(shape=[-6, -5])),
    ("vectors", lambda h, v: h["vectors"].update(shape=None)),
    ("vectors", lambda h, v: h["vectors"].update(dtype="F64")),
    ("vectors", lambda h, v: h["vectors"].update(dtype=["F32"])),
    ("ids", lambda h, v: h["ids"].update(shape=[7])),
    ("usage", lambda h, v: h["usage"].update(dtype="I64")),
    ("tensors", lambda h, v: h.pop("usage")),
    ("tensors", lambda h, v: h.update(vectors=[])),
    ("prototype set", lambda h, v: h["usage"].update(data_offsets=[0, 8])),
    ("prototype set", lambda h, v: h["usage"].pop("data_offsets")),
    ("prototype set", lambda h, v: h.pop("__metadata__")),
    ("prototype set", lambda h, v: h.update(__metadata__=3)),
]


@pytest.mark.parametrize("field, change", HEADERS)
def test_a_header_that_lies_or_breaks_the_rules_is_refused_by_its_field(field, change):
    raw = rewritten(set_bytes(BASE), change)
    assert refused(lambda: read_set(raw)).startswith(f"{field}: expected ")


TENSORS = [
    ("vector", lambda t: t["vectors"].__setitem__((1, 2), math.nan)),
    ("vector", lambda t: t["vectors"].__setitem__((1, 2), -math.inf)),
    ("vector", lambda t: t["vectors"].__setitem__(3, 0.0)),
    ("vectors", lambda t: t.update(vectors=torch.ones(513, 5))),
    ("vectors", lambda t: t.update(vectors=torch.ones(6, 5, 1))),
    ("vectors", lambda t: t.update(vectors=torch.ones(6, 4097))),
    ("vectors", lambda t: t.update(vectors=t["vectors"].half())),
    ("usage", lambda t: t["usage"].__setitem__(0, math.nan)),
    ("usage", lambda t: t["usage"].__setitem__(0, 2.0)),
    ("usage", lambda t: t.update(usage=torch.zeros(5, dtype=torch.float64))),
    ("scale", lambda t: t["scale"].__setitem__(0, math.inf)),
    ("scale", lambda t: t["scale"].__setitem__(0, 5.0)),
    ("ids", lambda t: t["ids"].__setitem__(1, 0)),
    ("ids", lambda t: t["ids"].copy_(t["ids"].flip(0))),
    ("id", lambda t: t["ids"].__setitem__(0, -1)),
    ("next_id", lambda t: t["ids"].__setitem__(5, 6)),
    ("muted", lambda t: t["muted"].fill_(True)),
    ("muted", lambda t: t.update(muted=t["muted"].to(torch.uint8))),
    ("tensors", lambda t: t.update(more=torch.ones(1))),
    ("tensors", lambda t: t.pop("scale")),
]


@pytest.mark.parametrize("field, change", TENSORS)
def test_tensors_that_no_set_has_are_refused_by_their_name(field, change):
    raw = with_tensors(change)
    assert refused(lambda: read_set(raw)).startswith(f"{field}: expected ")


def test_a_set_of_another_model_is_refused_where_one_is_expected(tmp_path):
    other = replace(BASE, model="other", model_hash=HASH[::-1])
    path = save_set(other, tmp_path / "other.safetensors")
    assert load_set(path)[0] == other
    message = refused(lambda: load_set(path, BASE))
    assert message == f"{path}: model_hash: expected a set made with tiny ({HASH}), got 'other ({HASH[::-1]})'"
    assert "spherical" not in message
    wide = set_bytes(tiny_set(6, 7))
    assert refused(lambda: read_set(wide, BASE)) == "vectors: expected a width of 5 as the model's, got 7"
    flat = set_bytes(replace(BASE, spherical=False))
    assert refused(lambda: read_set(flat, BASE)).startswith("model_hash: expected")
    renamed = replace(BASE, model="copy")
    assert read_set(set_bytes(renamed), BASE)[0] == renamed  # a name is not what makes it another model


def test_markup_within_the_length_of_a_name_is_text_like_any_other():
    assert read_set(set_bytes(edits.rename(BASE, 0, MARKUP)))[0].get(0).name == MARKUP


ONES = "AACAPwAAgD8AAIA/AACAPwAAgD8="  # five float32
NEW = {"id": 9, "name": "N", "vector": ONES, "usage": 0, "tags": [], "scale": 1, "muted": False, "stands_for": []}
DELTAS = [
    ("delta", None),
    ("delta", []),
    ("delta", "x"),
    ("delta", {"removed": ...}),
    ("delta", {"colour": "red"}),
    ("version", {"version": 2}),
    ("version", {"version": None}),
    ("model_hash", {"model_hash": HASH[::-1]}),
    ("model_hash", {"model_hash": None}),
    ("model", {"model": ""}),
    ("next_id", {"next_id": 5}),
    ("next_id", {"next_id": math.inf}),
    ("removed", {"removed": [6]}),
    ("removed", {"removed": ["1"]}),
    ("removed", {"removed": None}),
    ("removed", {"removed": [[0]]}),
    ("prototypes", {"removed": [0, 1, 2, 3, 4, 5]}),
    ("changed", {"changed": {}}),
    ("changed", {"changed": [3]}),
    ("changed", {"changed": [{}]}),
    ("changed", {"changed": [{"id": True}]}),
    ("changed", {"changed": [{"id": 1, "colour": 2}]}),
    ("changed", {"changed": [{"id": 1}, {"id": 1}]}),
    ("changed", {"changed": [{"id": 1}], "removed": [1]}),
    ("changed", {"changed": [{"id": 9, "name": "x"}], "next_id": 10}),
    ("changed", {"changed": [{"id": 1}] * 513}),
    ("next_id", {"changed": [NEW]}),
    ("name", {"changed": [{"id": 1, "name": "x" * 61}]}),
    ("muted", {"changed": [{"id": k, "muted": True} for k in range(6)]}),
    ("scale", {"changed": [{"id": 1, "scale": 9}]}),
    ("vector", {"changed": [{"id": 1, "vector": "!!"}]}),
    ("vector", {"changed": [{"id": 1, "vector": 3}]}),
    ("vector", {"changed": [{"id": 1, "vector": "AAAA"}]}),
    ("vector", {"changed": [{"id": 1, "vector": ""}]}),
    ("vector", {"changed": [{"id": 1, "vector": "A" * 10**6}]}),
    ("vector", {"changed": [{"id": 1, "vector": "é"}]}),
    ("vectors", {"changed": [{"id": 1, "vector": "AACAPw=="}]}),
    ("vector", {"changed": [{"id": 1, "vector": f"!{ONES}"}]}),
    ("vector", {"changed": [{**NEW, "vector": "AADAfwAAgD8AAIA/AACAPwAAgD8="}], "next_id": 10}),
]


@pytest.mark.parametrize("field, change", DELTAS)
def test_a_browsers_json_that_is_none_is_refused_by_its_field(field, change):
    good = to_delta(BASE, BASE)
    delta = {k: v for k, v in {**good, **change}.items() if v is not ...} if isinstance(change, dict) else change
    before = tiny_set()
    assert refused(lambda: from_delta(delta, before)).startswith(f"{field}: expected ")
    assert before == BASE


def test_a_new_prototype_in_the_browsers_json_is_taken_up():
    delta = {**to_delta(BASE, BASE), "changed": [NEW], "next_id": 10}
    assert from_delta(delta, BASE).vectors([9])[0].tolist() == np.ones(5).tolist()
    with pytest.raises(ValueError, match="^model_hash: expected"):
        to_delta(replace(BASE, model_hash=HASH[::-1]), BASE)
