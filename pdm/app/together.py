"""Painting of several visitors at once: what waits and agrees goes through the net in one batch.

One thread works on the nets, step after step while somebody keeps up with it: it makes one step more than was taken, so
that a picture is shown while the next one is made. Before each step it takes up what is due first: a request is due
when, with work shared evenly among all that are there, four times its price would be done. So what is cheap comes
before what is dear, in the middle of it too, and what is dear is put off until everybody else has got four times what
it asks for itself. What waits joins a batch when that begins, and never later.
(Fair queueing, Demers et al. 1989, whose clock runs the slower the more there are.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from pdm.pipelines.base import ConditionedPipeline, Prepared
from pdm.pipelines.joined import guided, joined, kind
from pdm.sampling.solvers import Step

ROWS = 64  # pictures in one call of the net, its null condition not counted
LARGE = 16  # a request for more pictures than that is painted by itself: who asked for four would wait for it
PATIENCE = 4  # how many times its price a request is put off for cheaper ones that come later
AHEAD = 1  # steps that may lie there untaken while the next one is made
LOOK = 0.25  # seconds between two looks at whether what waits is still wanted

Result = TypeVar("Result")
Made = tuple[Step, float]  # a step, with its milliseconds since the first one began


class AbandonedError(Exception):
    """Nobody listens to what is being made."""


# Set by whoever asks for the work: raises where it is no longer wanted. The argument: whether it has begun.
still_wanted: ContextVar[Callable[[bool], None]] = ContextVar("still_wanted", default=lambda begun: None)


@dataclass(eq=False)
class _Asked:
    """One request: `latest` is the newest step that it was not given yet, with its milliseconds since the start.

    `untaken` counts the steps that were made since it was given one.
    """

    pipeline: ConditionedPipeline
    ready: Prepared
    steps: int
    sampler: str | None
    due: float = 0.0
    begun: bool = False
    done: bool = False
    left: bool = False
    latest: Made | None = None
    untaken: int = 0
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

    def __post_init__(self):
        self.steps = self._stream()
        self.work = sum(a.work for a in self.asked)

    @property
    def here(self) -> list[_Asked]:
        """Those who did not leave."""
        return [a for a in self.asked if not a.left]

    @property
    def due(self) -> float:
        return min(a.due for a in self.here)

    def step(self) -> list[Made] | Exception:
        """The next step for each of them, or the error that came instead."""
        try:
            return next(self.steps)
        except Exception as error:
            return error

    def _stream(self) -> Iterator[list[Made]]:
        started, first = time.perf_counter(), self.asked[0]
        ready = joined([a.ready for a in self.asked])
        for step in first.pipeline.stream(ready, num_inference_steps=first.steps, sampler=first.sampler):
            took = 1000 * (time.perf_counter() - started)
            parts = torch.split(step.denoised, [a.rows for a in self.asked])
            yield [(replace(step, denoised=part), took) for part in parts]


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
    ) -> Iterator[Made]:
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

    def _next(self, asked: _Asked) -> Made | None:
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
            latest, asked.latest, asked.untaken = asked.latest, None, 0
            return latest

    def _step(self) -> None:
        """One step of what is due first, for everybody in its batch, and on while somebody keeps up."""
        with self._changed:
            batch = self._due_first()
        made = batch.step() if batch else []
        with self._changed:
            if batch:
                self._give(batch, made)
            self._stepping = any(a.untaken <= AHEAD for a in self._everybody())
            if self._stepping:
                self._thread.submit(self._step)  # behind what `do` was asked meanwhile
            self._changed.notify_all()

    def _due_first(self) -> _Batch | None:
        """Whose turn it is."""
        self._waiting = [a for a in self._waiting if not a.left]
        self._batches = [b for b in self._batches if b.here]
        both = [*self._batches, *self._waiting]
        first = min(both, key=lambda one: one.due, default=None)  # of the same, what began first
        return self._begun(first) if isinstance(first, _Asked) else first

    def _everybody(self) -> list[_Asked]:
        return [a for a in [*self._waiting, *(a for b in self._batches for a in b.asked)] if not a.left]

    def _begun(self, head: _Asked) -> _Batch:
        """A new batch of what waits and agrees with the first of them, in the order in which it is due."""
        members, rows = [head], head.rows
        for other in sorted(self._waiting, key=lambda a: a.due):
            small = head.rows <= LARGE and other.rows <= LARGE
            if other is not head and small and other.kind == head.kind and rows + other.rows <= ROWS:
                members.append(other)
                rows += other.rows
        self._waiting = [a for a in self._waiting if a not in members]
        for member in members:
            member.begun = True
        self._batches.append(batch := _Batch(members))
        return batch

    def _give(self, batch: _Batch, made: list[Made] | Exception) -> None:
        """Lay a step down for everybody in its batch, or tell them the error."""
        if isinstance(made, Exception):
            self._batches.remove(batch)
            for member in batch.asked:
                member.error = made
            return
        self._clock += batch.work / max(1, len(self._everybody()))
        for member, latest in zip(batch.asked, made, strict=True):
            member.latest, member.done = latest, latest[0].index + 1 == latest[0].total
            member.untaken += 1
        if batch.asked[0].done:
            self._batches.remove(batch)
