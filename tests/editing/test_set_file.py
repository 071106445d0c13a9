"""A set survives its file and the browser's storage unchanged, and anything that is none is refused in one line."""

import json
import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from pdm.editing import edits
from pdm.editing.edits import apply
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import MAX_BYTES, MAX_EDITS, from_delta, load_set, read_set, save_set, set_bytes, to_delta
from tests.sets import MARKUP, tiny_context, tiny_set
from tests.sets import edits as edit_requests

BASE = tiny_set()
CONTEXT = tiny_context(BASE)


def edited(drawn: st.DataObject, count: int) -> PrototypeSet:
    """The set after some random edits, of which those that are refused are left out."""
    current = BASE
    for _ in range(count):
        operation, arguments = drawn.draw(edit_requests(current, CONTEXT))
        try:
            current = apply(current, operation, arguments, CONTEXT)[0]
        except ValueError:
            continue
    return current


def lively() -> PrototypeSet:
    """A set with something of everything that a file holds."""
    some = edits.tag(edits.scale(edits.rename(BASE, 1, MARKUP), 2, 0.1), 3, ["dark", "<i>"])
    return edits.mute(edits.merge(edits.split(some, 0, 2, CONTEXT.features), [4, 5]), [3])


# Round trips


@settings(max_examples=30)
@given(st.data(), st.integers(0, 8), st.lists(st.text(min_size=1, max_size=50).filter(str.isprintable), max_size=4))
def test_a_file_gives_an_equal_set_and_its_edits_back_and_is_the_same_again(tmp_path_factory, drawn, count, sentences):
    some = edited(drawn, count)
    path = tmp_path_factory.mktemp("sets") / "set.safetensors"
    assert save_set(some, path, sentences) == path
    again, said = load_set(path, BASE)
    assert again == some and said == tuple(sentences) and again.digest == some.digest
    assert path.read_bytes() == set_bytes(again, said)


@given(st.data(), st.integers(0, 8))
def test_the_browsers_json_gives_an_equal_set_back(drawn, count):
    some = edited(drawn, count)
    text = json.dumps(to_delta(some, BASE), allow_nan=False)
    assert from_delta(json.loads(text), BASE) == some


def test_the_browsers_json_holds_only_what_differs():
    nothing = to_delta(BASE, BASE)
    assert (nothing["changed"], nothing["removed"]) == ([], [])
    changed = to_delta(edits.remove(edits.rename(BASE, 2, "Mine"), [4]), BASE)
    assert changed["changed"] == [{"id": 2, "name": "Mine"}] and changed["removed"] == [4]
    wide = tiny_set(64, 128)
    moved = edits.move(edits.mute(wide, [7]), 5, torch.ones(128))
    assert len(json.dumps(to_delta(moved, wide))) < 1000


def test_any_program_can_read_the_tensors(tmp_path):
    some = lively()
    path = save_set(some, tmp_path / "a.safetensors")
    with safe_open(path, "pt") as file:
        assert torch.equal(file.get_tensor("vectors"), some.vectors())
        assert file.get_tensor("ids").tolist() == list(some.ids)
        assert json.loads(file.metadata()["prototype_set"])["names"] == list(some.names)


def test_the_largest_set_there_can_be_still_fits_its_file():
    large = tiny_set(512, 128)
    sentences = [f"moved Bag {i} towards Bag {i + 1}" for i in range(MAX_EDITS + 5)]
    raw = set_bytes(large, sentences)
    assert read_set(raw, large) == (large, tuple(sentences[5:])) and len(raw) < MAX_BYTES / 4
    with pytest.raises(ValueError, match="^prototype set: expected at most 8000000 bytes, got "):
        set_bytes(tiny_set(512, 4000))


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    path = save_set(BASE, tmp_path / "set.safetensors")
    for wrong in ([""], ["x" * 401], ["a\nb"], [3]):
        with pytest.raises(ValueError, match="^edits: expected sentences of 1 to 400 printable characters, got "):
            save_set(lively(), path, wrong)
    assert load_set(path) == (BASE, ()) and [p.name for p in tmp_path.iterdir()] == ["set.safetensors"]


def test_what_a_killed_process_left_of_a_set_goes_with_the_next_one(tmp_path):
    left = tmp_path / ".set.safetensors.0123abcd.safetensors"
    left.write_text("")
    os.utime(left, (0, 0))
    save_set(BASE, tmp_path / "set.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["set.safetensors"]
