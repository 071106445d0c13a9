"""Models that are loaded when first asked for: one that takes long makes nobody wait who asks for another."""

import threading
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from pdm.app import library as module
from pdm.app.library import Library
from pdm.ui.shared import opening
from pdm.ui.shared.opening import Openings

LIMIT = 20  # seconds to wait for a thread


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """A library of "a" and "b", of which "b" loads when `go` is set. `begun` is set while it loads."""
    state = SimpleNamespace(go=threading.Event(), begun=threading.Event(), loaded=[])
    for name in ("a", "b"):
        (tmp_path / name / "pdm").mkdir(parents=True)
        (tmp_path / name / "pdm" / "model_index.json").write_text("{}")

    def load(folder, *, device, dtype):
        if folder.name == "b":
            state.begun.set()
            assert state.go.wait(LIMIT)
        state.loaded.append(folder.name)
        return SimpleNamespace(name=folder.name, map=None)

    monkeypatch.setattr(module, "load_studio", load)
    state.library = Library("a", device=torch.device("cpu"), dtype=torch.float32, assets=tmp_path)
    yield state
    state.go.set()


def started(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_model_that_loads_keeps_nobody_from_a_loaded_one(slow):
    slow.library.get("a")
    waiting = started(lambda: slow.library.get("b"))
    assert slow.begun.wait(LIMIT)
    other = started(lambda: slow.library.get("a"))
    other.join(LIMIT)
    assert not other.is_alive() and waiting.is_alive()
    slow.go.set()
    waiting.join(LIMIT)
    assert slow.library.get("b").name == "b"


def test_all_who_ask_for_a_model_get_the_one_that_was_loaded_first(slow):
    got = []
    threads = [started(lambda: got.append(slow.library.get("b"))) for _ in range(6)]
    assert slow.begun.wait(LIMIT)
    slow.go.set()
    for thread in threads:
        thread.join(LIMIT)
    assert len(got) == 6 and len(set(map(id, got))) == 1 and slow.loaded == ["b"]


def test_opening_pictures_of_one_model_wait_for_no_other_ones(slow, monkeypatch):
    painted = []
    monkeypatch.setattr(opening.Openings, "_painted", lambda self, name: painted.append(self.library.get(name)) or name)
    openings = Openings(slow.library)
    waiting = openings.begin("b")
    assert slow.begun.wait(LIMIT)
    other = started(lambda: openings.of("a"))
    other.join(LIMIT)
    assert not other.is_alive() and waiting.is_alive()
    slow.go.set()
    waiting.join(LIMIT)
    assert [openings.of(name).batch for name in ("a", "b", "a")] == ["a", "b", "a"]
    assert [p.name for p in painted] == ["a", "b"]


def test_what_goes_wrong_behind_the_back_is_said_to_who_asks(slow, monkeypatch):
    def damaged(folder, *, device, dtype):
        raise ValueError(f"{folder.name}: expected complete weights")

    monkeypatch.setattr(module, "load_studio", damaged)
    openings = Openings(slow.library)
    openings.begin("a").join(LIMIT)
    with pytest.raises(ValueError, match="expected complete weights"):
        openings.of("a")


def test_a_model_paints_while_its_map_is_read(slow, studio, monkeypatch):
    reading: Future = Future()
    early = replace(studio, reading=reading)
    monkeypatch.setattr(module, "load_studio", lambda folder, **where: early)
    openings, got = Openings(slow.library), []
    assert openings.of("a").batch.images.shape[0] == 16
    waiting = started(lambda: got.append(slow.library.get("a")))
    assert slow.library.early("a") is early and waiting.is_alive() and not got
    reading.set_result(studio.map)
    waiting.join(LIMIT)
    assert got[0].map is studio.map


def test_a_damaged_map_is_said_and_the_model_read_again_when_asked_for_next(slow, studio, monkeypatch):
    reading: Future = Future()
    reading.set_exception(ValueError("map a: expected map.json"))
    loaded = iter([replace(studio, reading=reading), studio])
    monkeypatch.setattr(module, "load_studio", lambda folder, **where: next(loaded))
    with pytest.raises(ValueError, match="map a: expected map.json"):
        slow.library.get("a")
    assert slow.library.get("a") is studio
