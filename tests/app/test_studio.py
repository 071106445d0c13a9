"""A studio is a value that threads share: what they work out of its sets is kept by one object, locked and bounded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch

from pdm.app.refit import Layout
from pdm.app.shown_set import Places, ShownSets
from pdm.editing.edits import apply

THREADS = 8


def variants(studio, count: int) -> list:
    """Sets that differ by where one prototype was moved to."""
    edit = studio.edit_context
    return [apply(studio.base, "move", {"id": i % 8, "point": [0.1 * i, -0.2 * i]}, edit)[0] for i in range(count)]


def test_nothing_of_a_studio_is_set_or_filled_by_others(studio):
    with pytest.raises(FrozenInstanceError):
        studio.name = "other"
    values = {f.name: getattr(studio, f.name) for f in fields(studio)}
    for prototypes in variants(studio, 3):
        assert studio.shown_set(prototypes).xy and studio.shown_set(prototypes).nearest.size
    assert all(getattr(studio, name) is value for name, value in values.items())
    assert not hasattr(studio, "places")


def test_a_studio_with_another_map_forgets_what_was_worked_out_of_the_first(studio):
    moved = studio.with_map(replace(studio.map, xy=studio.map.xy + 5))
    shift = torch.tensor(list(moved.shown_set().xy.values())) - torch.tensor(list(studio.shown_set().xy.values()))
    assert torch.allclose(shift, torch.full_like(shift, 5), atol=1e-3)


def test_threads_that_look_at_many_sets_see_what_one_thread_sees(studio):
    sets = variants(studio, 40)
    expected = [(s.xy, s.covers, s.colours) for s in (replace(studio).shown_set(p) for p in sets)]
    shared, gate = replace(studio), threading.Barrier(THREADS)
    object.__setattr__(shared, "_shown_sets", ShownSets(5))  # so that sets are forgotten while others look at them

    def look(first: int) -> bool:
        gate.wait(20)
        rows = [(first + 7 * i) % len(sets) for i in range(len(sets))]
        shown = [(row, shared.shown_set(sets[row])) for row in rows]
        return all((s.xy, s.covers, s.colours) == expected[row] for row, s in shown)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(look, range(THREADS)))
    assert shared._shown_sets._kept.cache_info().currsize == 5


def test_as_many_sets_are_kept_as_were_asked_for_and_the_latest(studio):
    kept, sets = ShownSets(most=2), variants(studio, 3)
    first = kept.of(studio, sets[0], None)
    kept.of(studio, sets[1], None)
    assert kept.of(studio, sets[0], None) is first
    kept.of(studio, sets[2], None)
    assert kept.of(studio, sets[0], None) is first and kept._kept.cache_info().currsize == 2


def test_places_on_a_layout_are_its_own_and_go_with_it(studio):
    kept = ShownSets(most=1)
    layout = Layout(studio.map.xy * 2, {})
    assert kept.of(studio, studio.base, layout).xy != kept.of(studio, studio.base, None).xy
    assert len(kept._on_layouts) == 1
    del layout
    assert len(kept._on_layouts) == 0


def test_places_are_worked_out_once_and_the_oldest_are_forgotten():
    places, asked = Places(most=3), []

    def work_out(vectors):
        asked.append(list(vectors))
        return {v: (len(v), (0.0, 1.0)) for v in vectors}

    assert places.of([b"a", b"bb", b"a"], work_out) == {b"a": (1, (0.0, 1.0)), b"bb": (2, (0.0, 1.0))}
    places.of([b"a"], work_out)
    places.of([b"ccc", b"dddd"], work_out)
    assert asked == [[b"a", b"bb"], [b"ccc", b"dddd"]] and len(places) == 3
    places.of([b"a", b"bb"], work_out)
    assert asked[-1] == [b"bb"]


def test_threads_that_ask_for_places_all_get_theirs_though_others_are_forgotten():
    places, gate = Places(most=4), threading.Barrier(THREADS)

    def ask(seed: int) -> bool:
        gate.wait(20)
        for i in range(300):
            wanted = [bytes([(seed * 31 + i + k) % 40]) for k in range(6)]
            if places.of(wanted, lambda vectors: {v: (v[0], (0.0, 0.0)) for v in vectors}) != {
                v: (v[0], (0.0, 0.0)) for v in wanted
            }:
                return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(ask, range(THREADS)))
    assert len(places) == 4
