"""The history of edits: undo and redo are exact, no sequence of edits breaks a set, ten thousand stay small."""

import copy
import gc
import pickle
import tracemalloc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pdm.editing import edits
from pdm.editing.edits import apply
from pdm.editing.history import START, EditHistory
from pdm.editing.prototype_set import MAX_PROTOTYPES
from pdm.editing.set_file import from_delta, read_set, set_bytes, to_delta
from tests.sets import edits as edit_requests
from tests.sets import tiny_context, tiny_set

BASE = tiny_set()
CONTEXT = tiny_context(BASE)


def past(history: EditHistory) -> tuple:
    return history.steps[: history.index]


def future(history: EditHistory) -> tuple:
    return history.steps[history.index + 1 :]


def edited(history: EditHistory, drawn: st.DataObject) -> EditHistory:
    """After one random edit, or the same where the edit is refused."""
    operation, arguments = drawn.draw(edit_requests(history.now, CONTEXT))
    try:
        result, sentence = apply(history.now, operation, arguments, CONTEXT)
    except ValueError:
        return history
    return history.do(sentence, result)


@settings(max_examples=20)
@given(st.data(), st.integers(1, 12))
def test_undo_after_any_sequence_of_edits_gives_equal_sets_back_and_redo_the_later_ones(drawn, count):
    histories = [EditHistory.start(BASE)]
    for _ in range(count):
        after = edited(histories[-1], drawn)
        if after is not histories[-1]:
            histories.append(after)
    history, sets = histories[-1], [h.now for h in histories]
    copies = copy.deepcopy(sets)
    for i in range(len(sets) - 2, -1, -1):
        history = history.undo()
        assert history.now == copies[i] and history.now is sets[i]
    assert history.undo() is history and history.now == tiny_set()
    for wanted in copies[1:]:
        history = history.redo()
        assert history.now == wanted
    assert history.redo() is history and history == histories[-1]


def test_a_new_edit_drops_what_was_undone():
    history = EditHistory.start(BASE).do("one", edits.rename(BASE, 0, "One")).do("two", edits.rename(BASE, 0, "Two"))
    back = history.undo()
    assert back.entries == ((START, "one", "two"), 1) and back.done == ("one",)
    assert [s for s, _ in past(back)] == [START] and [s for s, _ in future(back)] == ["two"]
    other = back.do("three", edits.rename(back.now, 1, "Three"))
    assert other.entries == ((START, "one", "three"), 2) and future(other) == ()
    assert history.entries == ((START, "one", "two"), 2)  # the old history is what it was


def test_an_edit_that_changes_nothing_is_no_step_and_keeps_what_was_undone():
    history = EditHistory.start(BASE).do("one", edits.rename(BASE, 0, "One")).undo()
    assert history.do("nothing", tiny_set()) is history and history.redo().now.get(0).name == "One"


def test_any_step_can_be_gone_to_and_no_other():
    history = EditHistory.start(BASE)
    for name in "abc":
        history = history.do(name, edits.rename(history.now, 0, name))
    assert [history.go_to(i).now.get(0).name for i in (0, 2, 1, 3)] == ["Bag 1", "b", "a", "c"]
    assert history.go_to(3) is history
    for index in (-1, 4, True, 1.0, None, "1"):
        with pytest.raises(ValueError, match="^index: expected a step from 0 to 3, got "):
            history.go_to(index)


def test_ten_thousand_edits_stay_small_and_can_be_copied_compared_and_undone():
    base = tiny_set(64, 128)
    vectors = torch.randn(64, 128)
    history = EditHistory.start(base)
    for i in range(10_000):
        if i == 8000:  # what the last 2,000 take; to trace them all takes four times as long as to make them
            gc.collect()
            tracemalloc.start()
        if i % 2:
            now = edits.move(history.now, i % 64, vectors[i // 2 % 64] + i)
        else:
            now = edits.rename(history.now, i % 64, f"Name {i}")
        history = history.do(f"edit {i}", now)
        if i % 10 == 0:
            assert now.digest  # the set keeps it
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] / 2
    tracemalloc.stop()
    assert len(history.steps) == 10_001 and grown < 5e6, f"{grown / 1e6:.1f} MB per 1000"
    again = pickle.loads(pickle.dumps(history))
    assert again == history and copy.deepcopy(history) == history
    assert history.go_to(0).now == base and history.undo().undo().redo().redo() == history


class Editing(RuleBasedStateMachine):
    """Random edits, undone and redone at random, against a plain list of all sets."""

    def __init__(self):
        super().__init__()
        self.history, self.sets, self.at = EditHistory.start(BASE), [BASE], 0

    @rule(data=st.data())
    def edit(self, data):
        before = self.history.now
        history = edited(self.history, data)
        if history is not self.history:
            self.sets = [*self.sets[: self.at + 1], history.now]
            self.at += 1
            new = set(history.now.ids) - set(before.ids) - set(BASE.ids)
            assert all(k >= before.next_id for k in new)  # an id that was given away is never given again
            assert history.now.next_id >= before.next_id
        self.history = history

    @precondition(lambda self: self.at > 0)
    @rule()
    def undo(self):
        self.history, self.at = self.history.undo(), self.at - 1

    @precondition(lambda self: self.at + 1 < len(self.sets))
    @rule()
    def redo(self):
        self.history, self.at = self.history.redo(), self.at + 1

    @rule(data=st.data())
    def go_to(self, data):
        self.at = data.draw(st.integers(0, len(self.sets) - 1))
        self.history = self.history.go_to(self.at)

    @invariant()
    def history_is_the_list(self):
        assert self.history.now == self.sets[self.at]
        assert tuple(s for _, s in self.history.steps) == tuple(self.sets)
        assert self.history.entries[1] == self.at

    @invariant()
    def the_set_is_sound(self):
        now = self.history.now
        assert list(now.ids) == sorted(set(now.ids)) and max(now.ids) < now.next_id
        assert 1 <= len(now.ids) <= MAX_PROTOTYPES and now.active
        assert (now.dim, now.model_hash, now.spherical) == (5, BASE.model_hash, True)
        assert now.vectors().isfinite().all() and (now.vectors().norm(dim=1) > 0).all()
        for p in now.prototypes:
            assert 1 <= len(p.name) <= 60 and p.name.isprintable() and 0 <= p.usage <= 1 and 0 <= p.scale <= 4
            assert set(p.stands_for) <= set(BASE.ids)

    @invariant()
    def it_is_the_same_after_file_and_browser(self):
        now = self.history.now
        assert read_set(set_bytes(now, self.history.done), BASE) == (now, self.history.done)
        assert from_delta(to_delta(now, BASE), BASE) == now


Editing.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_no_sequence_of_edits_breaks_a_set = Editing.TestCase
