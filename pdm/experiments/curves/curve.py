"""A curve that is measured row by row, and what all curves are measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pdm.experiments.bench.bench import Bench


@dataclass(frozen=True)
class Lab:
    """The models and data of a benchmark; `samples` and `seed` of quality; `scratch`, a folder that may be deleted."""

    bench: Bench
    samples: int
    seed: int
    scratch: Path


@dataclass(frozen=True)
class Curve:
    """`points`: what tells rows apart, such as {"batch": 1}; `measure`: the rest of a row, for a point.

    `settings`: all that the numbers depend on. `summary`: what else to note there, from the rows so far. `done` is
    called when every row is there.
    """

    settings: dict
    points: list[dict]
    measure: Callable[[dict], dict]
    summary: Callable[[list[dict]], dict] = field(default=lambda rows: {})
    done: Callable[[], None] = field(default=lambda: None)
