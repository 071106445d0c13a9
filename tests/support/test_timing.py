"""Timings: the median, the extremes, what is warm-up, and turns."""

import pytest
import torch

from pdm.support import timing
from pdm.support.timing import Timing, interleaved, timed

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the timed functions move."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def taking(*durations: float):
        left, calls = list(durations), []

        def run() -> None:
            calls.append(now[0])
            now[0] += left.pop(0)

        run.calls = calls
        return run

    return taking


def test_warm_up_runs_are_not_counted(clock):
    result = timed(clock(100, 50, 3, 1, 2), CPU, repeats=3, warmup=2)
    assert result == Timing(median=2, low=1, high=3, repeats=3)
    assert result.to_dict() == {"median_s": 2, "low_s": 1, "high_s": 3, "repeats": 3}


def test_two_runs_take_turns_and_their_ratio_is_the_median_of_pairs(clock):
    first, second = clock(9, 1, 4, 30), clock(9, 1, 2, 10)
    one, other, ratio = interleaved(first, second, CPU, repeats=3, warmup=1)
    assert (one.median, other.median) == (4, 2)
    assert ratio == 2  # of 1, 2 and 3: a machine that slows down slows both
    assert all(a < b for a, b in zip(first.calls, second.calls, strict=True))
    assert all(b < a for b, a in zip(second.calls, first.calls[1:], strict=False))
