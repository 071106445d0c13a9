"""Painting of several visitors at once: what they ask of the same net goes through it in one call.

Call after call is made while somebody keeps up: one step more than was taken, so that a picture is shown while the next
one is made. Each call is for what is due first, and for what else fits: a request is due when, with work shared evenly
among all that are there, four times its price would be done. So what is cheap comes before what is dear, in the middle
of it too, and what is dear is put off until everybody else has got four times what it asks for itself (fair queueing,
Demers et al. 1989, whose clock runs the slower the more there are).

Samplings need not be at the same step, nor of the same sampler, to share a call: a net is told the noise level of each
picture. So a request joins at its first step and leaves at its last, and nobody waits for another's (iteration-level
scheduling, Yu et al. 2022). On a CPU two calls are made at the same time where there is work for both, each on half of
the cores: a net as small as these is slower than that when it shares its work among all of them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from pdm.model.conditioning import stacked
from pdm.pipelines.base import ConditionedPipeline, Prepared
from pdm.sampling.solvers import Ask, Sampling, Step

ROWS = 64  # pictures in all calls of the net at one time, its null condition not counted
ROUND = 4  # rows that shared calls are filled up to: oneDNN writes kernels for each number of them, and keeps them
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


@dataclass(frozen=True)
class _Turn:
    """Where a sampling stands after an answer: what it asks next, None at its end, and the step that it has done."""

    ask: Ask | None
    step: Step | None = None
    error: Exception | None = None


@dataclass(eq=False)
class _Asked:
    """One request: `made` are the steps that it was not given yet."""

    pipeline: ConditionedPipeline
    ready: Prepared
    steps: int
    sampler: str | None
    due: float = 0.0
    started: float | None = None
    ask: Ask | None = None
    done: bool = False
    left: bool = False
    called: bool = False  # a net is answering it
    made: deque[Made] = field(default_factory=deque)
    error: Exception | None = None

    def __post_init__(self):
        self.net = self.pipeline.net_for(self.sampler, self.steps)
        self.alone = self.pipeline.net_of(self.ready, self.sampler, self.steps)
        net, (count, _, height, width) = self.net.config.image_size, self.ready.noise.shape
        asked = self.ready.windows.asked if self.ready.windows else 1.0
        self.rows = max(1, round(asked * count * height * width / net**2))  # a canvas: what holds as many pixels
        self.work = float(self.rows * self.ready.branches)  # of a step
        self._sampling: Sampling | None = None

    @property
    def price(self) -> float:
        return self.work * self.ready.calls(self.steps)

    @property
    def here(self) -> bool:
        return not (self.left or self.done or self.error)

    @property
    def waits(self) -> bool:
        """Whether a net may work for it now."""
        return not self.called and len(self.made) <= AHEAD

    @property
    def kind(self) -> Hashable:
        """What must be the same of all that goes through a net in one call."""
        assert self.ask is not None
        tokens, places = self.ask.condition.tokens, self.ask.condition.places
        by_place = None if places is None else places.shape[1:]
        return self.net, tokens.shape[1:], tokens.dtype, self.ask.x.shape[1:], by_place

    def begin(self) -> None:
        """Up to the first call of the net."""
        if self.started is not None:
            return
        self.started = time.perf_counter()
        try:
            self._sampling = self.pipeline.sampling(self.ready, num_inference_steps=self.steps, sampler=self.sampler)
        except Exception as error:  # whoever asked is told
            self.error = error
        else:
            self.take(self.turn(None))

    def turn(self, answer: torch.Tensor | None) -> _Turn:
        """Go on with the net's answer, up to what is asked of it next."""
        assert self._sampling is not None
        step = None
        try:
            said = self._sampling.send(answer)
            while isinstance(said, Step):
                step = said
                said = next(self._sampling)
        except StopIteration:
            return _Turn(None, step)
        except Exception as error:  # whoever asked is told
            return _Turn(None, step, error)
        return _Turn(said, step)

    def take(self, turn: _Turn) -> None:
        self.ask, self.error = turn.ask, turn.error
        self.done = turn.ask is None and turn.error is None
        if turn.step is not None and self.started is not None:
            self.made.append((turn.step, 1000 * (time.perf_counter() - self.started)))


class Together:
    """For any number of threads that ask. All that works on the nets of a model shares one of these.

    `calls`: how many are made at the same time.
    """

    def __init__(self, calls: int = 1):
        self.calls = calls
        self._changed = threading.Condition()
        self._asked: list[_Asked] = []
        self._clock = 0.0  # rows of a net that each request would have got since the start, if all shared the work
        self._working = self._calling = 0  # of `calls`: those that were begun, and those in which a net works
        self._cores = torch.get_num_threads()
        self._threads = ThreadPoolExecutor(calls, thread_name_prefix="net")  # torch keeps some for each that calls it

    def __reduce__(self):
        # In another process, such as a worker that holds a GPU, there is nobody to share it with.
        return Together, (self.calls,)

    def do(self, work: Callable[[], Result]) -> Result:
        """What else works on a net, in the place of a call of what is painted."""
        return self._threads.submit(work).result()

    def stream(
        self, pipeline: ConditionedPipeline, ready: Prepared, *, steps: int, sampler: str | None = None
    ) -> Iterator[Made]:
        """As the pipeline's `stream`, each step with the milliseconds since the first one began.

        The painting waits for who is slower than it. Closing it leaves the others alone.
        """
        asked = _Asked(pipeline, ready, steps, sampler)
        with self._changed:
            asked.due = self._clock + PATIENCE * asked.price
            self._asked.append(asked)
        try:
            while (made := self._next(asked)) is not None:
                yield made
        finally:
            with self._changed:
                asked.left = True

    def _next(self, asked: _Asked) -> Made | None:
        """Wait for the next step of a request, None after its last; see to it that there is work until then."""
        wanted = still_wanted.get()
        with self._changed:
            while not asked.made and asked.here:
                wanted(asked.started is not None)
                self._begin()
                self._changed.wait(LOOK)
            if asked.error is not None:
                raise asked.error
            return asked.made.popleft() if asked.made else None

    def _begin(self) -> None:
        """Calls for those that wait, as far as there is room for them; behind what `do` was asked meanwhile."""
        waiting = sum(a.waits for a in self._present())
        for _ in range(min(self.calls - self._working, waiting)):
            self._working += 1
            self._threads.submit(self._work)

    def _work(self) -> None:
        """One call of a net for what is due first, and on while somebody keeps up."""
        with self._changed:
            together = self._due()
            for asked in together:
                asked.called = True
            self._calling += bool(together)
            cores = self._cores // max(1, self._calling)
        if self.calls > 1:
            torch.set_num_threads(max(1, cores))  # of this thread alone
        turns = _call(together)
        with self._changed:
            self._calling -= bool(together)
            self._clock += sum(a.work for a in together) / max(1, len(self._asked))
            for asked, turn in zip(together, turns, strict=True):
                asked.called = False
                asked.take(turn)
            self._working -= 1
            self._begin()
            self._changed.notify_all()

    def _present(self) -> list[_Asked]:
        self._asked = [a for a in self._asked if a.here]
        return self._asked

    def _due(self) -> list[_Asked]:
        """What goes through a net now: what is due first, and what agrees with it in the order in which it is due."""
        together: list[_Asked] = []
        rows = 0
        for asked in sorted(self._present(), key=lambda a: a.due):  # of the same, what came first
            if not asked.waits:
                continue
            if together and (rows + asked.rows > ROWS // self.calls or max(asked.rows, together[0].rows) > LARGE):
                continue
            asked.begin()
            if asked.ask is not None and (not together or asked.kind == together[0].kind):
                together.append(asked)
                rows += asked.rows
        return together


@torch.no_grad()
def _call(together: Sequence[_Asked]) -> list[_Turn]:
    """One call of the net that they ask, and where each of them stands then."""
    if not together:
        return []
    asks = [a.ask for a in together if a.ask is not None]
    try:
        if len(asks) == 1:
            answers = [together[0].alone(*asks[0])]
        else:
            x, sigma = (torch.cat([getattr(ask, name) for ask in asks]) for name in ("x", "sigma"))
            large = together[0].rows > len(together[0].ready.noise)  # a canvas is dear to fill up with
            rows = [*range(len(x)), *([-1] * (0 if large else -len(x) % ROUND))]  # the last again, as often as it takes
            answer = together[0].net(x[rows], sigma[rows], stacked([ask.condition for ask in asks])[rows])
            answers = list(torch.split(answer[: len(x)], [len(ask.x) for ask in asks]))
    except Exception as error:  # whoever asked is told
        return [_Turn(None, error=error) for _ in together]
    return [a.turn(answer) for a, answer in zip(together, answers, strict=True)]
