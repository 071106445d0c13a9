"""A server keeps few heaps and few kernels, unless its owner says otherwise."""

import ctypes
import os

import pytest

from pdm.support.allocator import ARENAS, KERNELS, M_ARENA_MAX, give_back, keep_little


@pytest.fixture
def asked(monkeypatch):
    """What the C library is asked for."""
    asked = []
    library = type("Library", (), {"mallopt": staticmethod(lambda *call: asked.append(call))})
    library.malloc_trim = staticmethod(lambda kept: asked.append(kept))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for name in (*KERNELS, "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)
    return asked


def test_few_heaps_and_kernels_are_kept(asked, monkeypatch):
    keep_little()
    assert asked == [(M_ARENA_MAX, ARENAS)] and KERNELS.items() <= os.environ.items()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # a C library without it
    keep_little()
    give_back()


def test_what_is_free_goes_back(asked):
    give_back()
    assert asked == [0]


def test_what_the_owner_says_holds(asked, monkeypatch):
    name, *_ = KERNELS
    monkeypatch.setenv(name, "1024")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    keep_little()
    assert asked == [] and os.environ[name] == "1024"
