"""Laying a map out again: in a process of its own, one a visitor, turned to lie as before, stopped at once."""

import subprocess
import time
from contextlib import closing, contextmanager

import numpy as np
import psutil
import pytest
import torch

from pdm.app import refit as module
from pdm.app.refit import Layout, Slots, refit
from pdm.editing.edits import apply
from pdm.ui.shared.session import MAX_LAYOUTS, VisitorSets


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """A function that sets the code of the worker; it is told the folder as argv[1]. Returns the processes started."""
    started = []

    def use(code: str):
        script = tmp_path / "worker.py"
        script.write_text(code)
        popen = subprocess.Popen

        def start(command, **options):
            started.append(popen([command[0], str(script), command[-1]], **options))
            return started[-1]

        monkeypatch.setattr(module.subprocess, "Popen", start)
        return started

    return use


TURNED = """
import sys, numpy as np
start = np.load(sys.argv[1] + "/start.npz")
print("graph", 0, 1, flush=True)
xy = start["xy"].copy()
xy[-1] += 1
np.save(sys.argv[1] + "/xy.npy", 3 * xy[:, ::-1] + 5)
"""


def test_what_the_worker_lays_out_comes_back_turned_to_lie_as_before(studio, worker):
    worker(TURNED)
    prototypes, _ = apply(studio.base, "blend", {"a": 0, "b": 1, "t": 0.5}, studio.edit_context)
    shown_set = studio.shown_set(prototypes)
    *steps, last = refit(shown_set)
    assert last.part == 1 and all(step.layout is None and 0 <= step.part <= 1 for step in steps)
    assert torch.allclose(last.layout.xy, studio.map.xy, atol=1e-3)
    again = studio.shown_set(prototypes, last.layout)
    new = prototypes.ids[-1]
    assert again.xy[new] == pytest.approx([v + 1 for v in shown_set.xy[new]], abs=1e-2)  # the one the worker moved
    assert again.xy[0] == pytest.approx(shown_set.xy[0], abs=1e-3)
    assert shown_set.xy == studio.shown_set(prototypes).xy  # everybody else's map is as it was


def test_closing_it_ends_the_process_at_once(studio, worker):
    started = worker("import time; time.sleep(600)")
    with closing(refit(studio.shown_set())) as steps:
        next(steps)
        process = psutil.Process(started[0].pid)
    assert not process.is_running()


def test_a_worker_that_fails_says_why_in_one_line(studio, worker):
    worker("raise SystemExit('no room for the graph')")
    with pytest.raises(RuntimeError, match="^refit: expected a layout, got: no room for the graph$"):
        list(refit(studio.shown_set()))


def test_a_worker_that_never_ends_is_given_up(studio, worker, monkeypatch):
    started = worker("import time; time.sleep(600)")
    monkeypatch.setattr(module, "LONGEST", 0.3)
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="expected to end within 0.3 s"):
        list(refit(studio.shown_set()))
    assert time.monotonic() - begin < 20 and started[0].poll() is not None


def test_a_visitor_holds_one_slot_and_all_together_a_few():
    slots = Slots(most=2)

    @contextmanager
    def refused(visitor, why):
        with pytest.raises(ValueError, match=why), slots.held(visitor):
            pass
        yield

    with slots.held("a"):
        with refused("a", "one at a time"), slots.held("b"), refused("c", "at most 2 at a time"):
            pass
        with slots.held("b"):
            pass
    with slots.held("a"):
        pass


def test_layouts_are_kept_a_visitor_and_gone_back_from_one_by_one(studio):
    made = [Layout(studio.map.xy + i, {}) for i in range(1, MAX_LAYOUTS + 3)]
    sets = VisitorSets()
    for layout in made:
        sets = sets.laid_out(studio.name, layout)
    assert sets.layout(studio) is made[-1] and VisitorSets().layout(studio) is None
    for layout in reversed(made[-MAX_LAYOUTS:]):
        assert sets.layout(studio) is layout
        assert np.allclose(sets.shown_set(studio).map.xy, layout.xy)
        sets = sets.layout_before(studio.name)
    assert sets.layout(studio) is None and sets.layout_before(studio.name).layout(studio) is None


def test_an_edit_at_a_point_means_the_point_of_the_visitors_own_layout(studio):
    layout = Layout(studio.map.xy.flip(0), {})
    own, theirs = studio.shown_set(), studio.shown_set(layout=layout)
    point = studio.map.xy[0].tolist()
    vectors = [apply(w.prototypes, "add", {"point": point}, w.edit_context)[0].vectors([8]) for w in (own, theirs)]
    assert not torch.allclose(*vectors, atol=1e-3)
