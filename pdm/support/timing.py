"""Timing that can be trusted: warm-up, repeats, medians and spread; comparisons in interleaved pairs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds of `repeats` runs: the median and the extremes."""

    median: float
    low: float
    high: float
    repeats: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds))

    def to_dict(self, digits: int = 5) -> dict:
        values = {"median_s": self.median, "low_s": self.low, "high_s": self.high}
        return {k: round(v, digits) for k, v in values.items()} | {"repeats": self.repeats}


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long one run takes, its work on the device included."""
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def timed(run: Callable[[], object], device: torch.device, *, repeats: int, warmup: int = 2) -> Timing:
    """Run `warmup` times, then time `repeats` runs."""
    for _ in range(warmup):
        run()
    return Timing.of([seconds(run, device) for _ in range(repeats)])


def interleaved(
    first: Callable[[], object], second: Callable[[], object], device: torch.device, *, repeats: int, warmup: int = 2
) -> tuple[Timing, Timing, float]:
    """Time two runs in turns, so that a machine that slows down slows both; also the median ratio first / second."""
    for _ in range(warmup):
        first()
        second()
    pairs = [(seconds(first, device), seconds(second, device)) for _ in range(repeats)]
    firsts, seconds_ = ([pair[i] for pair in pairs] for i in (0, 1))
    return Timing.of(firsts), Timing.of(seconds_), statistics.median(a / b for a, b in pairs)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
