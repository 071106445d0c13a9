"""Painting of several visitors at once: what waits and agrees goes through the net in one batch.

One thread works on the nets, a step at a time, and only while somebody waits for one. Before each step it takes up
what is due first: a request is due when, with work shared evenly among all that are there, four times its price would
be done. So what is cheap comes before what is dear, in the middle of it too, and what is dear is put off until
everybody else has got four times what it asks for itself. What waits joins a batch when that begins, and never later.
(Fair queueing, Demers et al. 1989, whose clock runs the slower the more there are.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from pdm.pipelines.base import ConditionedPipeline, Prepared
from pdm.pipelines.joined import guided, joined, kind
from pdm.sampling.solvers import Step

ROWS = 64  # pictures in one call of the net, its null condition not counted
LARGE = 16  # a request for more pictures than that is painted by itself: who asked for four would wait for it
PATIENCE = 4  # how many times its price a request is put off for cheaper ones that come later
LOOK = 0.25  # seconds between two looks at whether what waits is still wanted

Result = TypeVar("Result")


class AbandonedError(Exception):
    """Nobody listens to what is being made."""


# Set by whoever asks for the work: raises where it is no longer wanted. The argument: whether it has begun.
still_wanted: ContextVar[Callable[[bool], None]] = ContextVar("still_wanted", default=lambda begun: None)


@dataclass(eq=False)
class _Asked:
    """One request: `latest` is the newest step that it was not given yet, with its milliseconds since the start."""

    pipeline: ConditionedPipeline
    ready: Prepared
    steps: int
    sampler: str | None
    due: float = 0.0
    begun: bool = False
    done: bool = False
    left: bool = False
    latest: tuple[Step, float] | None = None
    error: Exception | None = None

    def __post_init__(self):
        self.kind = kind(self.pipeline, self.ready, self.steps, self.sampler)
        self.rows = len(self.ready.noise)
        self.work = float(self.rows * (2 if guided(self.ready) else 1))  # of one step

    @property
    def price(self) -> float:
        return self.work * self.steps


@dataclass(eq=False)
class _Batch:
    """Requests that are painted together, in the order of their rows."""

    asked: list[_Asked]
    steps: Iterator[Step] = field(init=False)
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self):
        first = self.asked[0]
        ready = joined([a.ready for a in self.asked])
        self.steps = first.pipeline.stream(ready, num_inference_steps=first.steps, sampler=first.sampler)
        self.work = sum(a.work for a in self.asked)

    @property
    def wanted(self) -> bool:
        return not all(a.left for a in self.asked)

    @property
    def due(self) -> float:
        return min(a.due for a in self.asked if not a.left)


class Together:
    """For any number of threads that ask. All that works on the nets of a model shares one of these."""

    def __init__(self):
        self._changed = threading.Condition()
        self._waiting: list[_Asked] = []
        self._batches: list[_Batch] = []  # begun; the one that is not due first pauses between two of its steps
        self._clock = 0.0  # rows of a net that each request would have got since the start, if all shared the work
        self._stepping = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="net")  # torch keeps threads for each that calls it

    def __reduce__(self):
        return Together, ()  # in another process, such as a worker that holds a GPU, there is nobody to share it with

    def do(self, work: Callable[[], Result]) -> Result:
        """What else works on a net, between two steps of what is painted."""
        return self._thread.submit(work).result()

    def stream(
        self, pipeline: ConditionedPipeline, ready: Prepared, *, steps: int, sampler: str | None = None
    ) -> Iterator[tuple[Step, float]]:
        """As the pipeline's `stream`, each step with the milliseconds since the first one began.

        Whoever is slower than the painting misses steps, but never the last one. Closing it leaves the others alone.
        """
        asked = _Asked(pipeline, ready, steps, sampler)
        with self._changed:
            asked.due = self._clock + PATIENCE * asked.price
            self._waiting.append(asked)
        try:
            while (latest := self._next(asked)) is not None:
                yield latest
        finally:
            with self._changed:
                asked.left = True

    def _next(self, asked: _Asked) -> tuple[Step, float] | None:
        """Wait for the next step of a request, None after its last; see to it that there is work until then."""
        wanted = still_wanted.get()
        with self._changed:
            while asked.latest is None and asked.error is None and not asked.done:
                wanted(asked.begun)
                if not self._stepping:
                    self._stepping = True
                    self._thread.submit(self._step)
                self._changed.wait(LOOK)
            if asked.error is not None:
                raise asked.error
            latest, asked.latest = asked.latest, None
            return latest

    def _step(self) -> None:
        """One step of what is due first, for everybody in its batch."""
        try:
            with self._changed:
                asked = self._due_first()
            if asked:
                self._advance(asked)
        finally:
            with self._changed:
                self._stepping = False
                self._changed.notify_all()

    def _due_first(self) -> _Batch | list[_Asked] | None:
        """A batch that goes on, or those that begin one."""
        self._waiting = [a for a in self._waiting if not a.left]
        self._batches = [b for b in self._batches if b.wanted]
        candidates = sorted([*self._batches, *self._waiting], key=lambda c: c.due)  # of the same, what began first
        if not candidates:
            return None
        if isinstance(first := candidates[0], _Batch):
            return first
        head, *others = (c for c in candidates if isinstance(c, _Asked))
        members, rows = [head], head.rows
        for other in others:
            small = head.rows <= LARGE and other.rows <= LARGE
            if small and other.kind == head.kind and rows + other.rows <= ROWS:
                members.append(other)
                rows += other.rows
        self._waiting = [a for a in self._waiting if a not in members]
        for member in members:
            member.begun = True
        return members

    def _advance(self, due: _Batch | list[_Asked]) -> None:
        members = due.asked if isinstance(due, _Batch) else due
        try:
            batch = due if isinstance(due, _Batch) else _Batch(due)
            step = next(batch.steps)
        except Exception as error:  # whoever asked is told
            with self._changed:
                self._batches = [b for b in self._batches if b is not due]
                for member in members:
                    member.error = error
            return
        last = step.index + 1 == step.total
        took = 1000 * (time.perf_counter() - batch.started)
        with self._changed:
            here = len(self._waiting) + sum(not a.left for b in {*self._batches, batch} for a in b.asked)
            self._clock += batch.work / max(1, here)
            others = [b for b in self._batches if b is not batch]
            self._batches = others if last else [*others, batch]
            parts = torch.split(step.denoised, [m.rows for m in members])
            for member, part in zip(members, parts, strict=True):
                member.latest, member.done = (Step(step.index, step.total, part), took), last
