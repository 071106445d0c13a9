"""Waiting for one's turn at the gate without holding a thread, and stopping within a step when nobody listens."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, Literal

import gradio as gr
from gradio.context import LocalContext

from pdm.app.gate import MAX_PRICE, RefusedError, Ticket
from pdm.app.gate import price as price_of
from pdm.app.together import AbandonedError, still_wanted
from pdm.app.zero_gpu import tell
from pdm.ui.guard.blocks import GATED, GuardedBlocks
from pdm.ui.guard.visitors import call_of, visitor_of

LOOK = 0.25  # seconds between two looks at whether anybody listens
LONGEST_WAIT = 300.0  # seconds
REPLACED = "painting: a newer request of yours took its place"
NEWER, STOPPED = "a newer request of yours took its place", "stopped before it began"
TOO_LONG = "painting: expected a turn within five minutes, got none; try again later"
END = object()
Newer = Literal["replaces", "refused"]  # what becomes of a request while another of the same visitor waits

_work: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("work", default=None)


class StoppedError(Exception):
    """The visitor pressed Stop before the work began."""


class Before(int):
    """How many come before a request that waits, and about how many `seconds` that takes, None where nobody knows."""

    seconds: int | None = None

    @classmethod
    def of(cls, count: int, seconds: float | None) -> Before:
        before = cls(count)
        if seconds is not None:
            step = 1 if seconds < 10 else 5 if seconds < 60 else 30  # no finer than it is known, and said less often
            before.seconds = max(step, round(seconds / step) * step)
        return before


class Turn:
    """One request at the gate of the page that is being served: waits, runs steps in a thread, and leaves."""

    def __init__(self, price: float, newer: Newer, stopped: Callable[[], bool] = lambda: False):
        """stopped: whether the visitor has pressed Stop meanwhile; `look_again` asks it at once."""
        self.stopped = stopped
        page = LocalContext.blocks.get()
        assert isinstance(page, GuardedBlocks), "gated events need GuardedBlocks"
        self.gate, self.listeners, self._threads = page.gate, page.listeners, page.painters
        asker = LocalContext.request.get()
        visitor, self.call = visitor_of(asker), call_of(asker)
        self.session, self.entered = visitor.session, self.listeners.clock()
        self.abandoned, self._woken, self._step, self._iterator = False, asyncio.Event(), None, None
        self._begun = self.whole = False  # whole: all of the work was done
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        try:
            self.ticket: Ticket = self.gate.enter(visitor, min(price, MAX_PRICE), newer=newer, changed=wake)
        except RefusedError as error:
            raise gr.Error(str(error), title="Not now", print_exception=False) from error

    def unheard(self) -> bool:
        """Whether nobody listens any more; once so, it stays so."""
        self.abandoned = self.abandoned or self.listeners.gone(self.session, self.entered, self.call)
        return self.abandoned

    async def wait(self) -> AsyncIterator[Before]:
        """Wait for the turn; yields how many are before it, and for how long, whenever that changes.

        Raises gr.Error, AbandonedError, and StoppedError.
        """
        said: tuple = ()
        while self.ticket.state == "waiting":
            self._woken.clear()  # before the looks, so that none is missed
            if self.stopped():
                raise StoppedError
            before = Before.of(self.gate.before(self.ticket), self.gate.seconds(self.ticket))
            if (before, before.seconds) != said:
                said = before, before.seconds
                yield before
            with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK)
            if self.unheard():
                raise AbandonedError
            if self.listeners.clock() - self.entered > LONGEST_WAIT:
                raise gr.Error(TOO_LONG, print_exception=False)
        if self.stopped():
            raise StoppedError

    def check(self, begun: bool) -> None:
        """Raise AbandonedError when nobody listens, and StoppedError for work that Stop came before.

        Once it has begun the handler looks at Stop itself, with each step, and can say where it stopped.
        """
        self._begun = self._begun or begun
        if self.abandoned:
            raise AbandonedError
        if not self._begun and self.stopped():
            raise StoppedError

    async def step(self, function: Callable, *values) -> Any:
        """`function(*values)` in a thread that knows whose work it does."""
        context = contextvars.copy_context()
        context.run(_work.set, self)
        context.run(tell.set, gr.Info)
        context.run(still_wanted.set, self.check)
        call = functools.partial(context.run, function, *values)
        self._step = asyncio.get_running_loop().run_in_executor(self._threads, call)
        while not self._step.done():
            await asyncio.wait([self._step], timeout=LOOK)
            self.unheard()
        return self._step.result()

    async def steps(self, iterator: Iterator) -> AsyncIterator:
        """What a plain iterator yields, each made in a thread, until nobody listens."""
        self._iterator = iterator
        while not self.unheard():
            if (value := await self.step(next, iterator, END)) is END:
                self.whole = True
                return
            yield value

    def leave(self) -> None:
        """Give the turn up: at once, or when the step that is being made has ended."""
        if self._step is not None and not self._step.done():
            self.abandoned = True
            self._step.add_done_callback(lambda step: (step.cancelled() or step.exception(), self._end()))
        else:
            self._end()

    def _end(self) -> None:
        try:
            if (close := getattr(self._iterator, "close", None)) is not None:
                close()
        finally:
            self.gate.leave(self.ticket, whole=self.whole)


def gated(
    handler: Callable,
    price: Callable[..., float],
    *,
    newer: Newer = "replaces",
    waiting: Callable[[int | str], Any] | None = None,
    stopped: Callable[..., bool] | None = None,
    instead: Callable | None = None,
) -> Callable:
    """A handler that works on the net, as one that first waits for its turn. Its signature stays as it is.

    price: of the same arguments as the handler's. newer: what becomes of a request while another of the same visitor
    waits. instead: what a plain handler answers, of the same arguments, where it gets no turn; without it that is an
    error. For generators alone: `waiting`, what the page shows meanwhile, of how many are before it, or of the sentence
    why it waits no more; and `stopped`, of the same arguments, whether the visitor has pressed Stop.
    """

    if inspect.isgeneratorfunction(handler):
        wrapped = _streaming(handler, price, newer, waiting, stopped)
    else:
        wrapped = _answering(handler, price, newer, instead)
    setattr(wrapped, GATED, True)
    return wrapped


def _streaming(handler: Callable, price: Callable[..., float], newer: Newer, waiting, stopped) -> Callable:
    """`gated` of a generator."""

    @functools.wraps(handler)
    async def generator(*args, **named):
        asked = functools.partial(stopped, *args, **named) if stopped is not None else lambda: False
        turn = Turn(price(*args, **named), newer, asked)
        try:
            async for before in turn.wait():
                if waiting is not None:
                    yield waiting(before)
            if turn.ticket.state != "running":
                if waiting is not None:
                    yield waiting(NEWER)
                return
            async for value in turn.steps(handler(*args, **named)):
                yield value
        except AbandonedError:
            return
        except StoppedError:
            if waiting is not None:
                yield waiting(STOPPED)
        finally:
            turn.leave()

    return generator


def _answering(handler: Callable, price: Callable[..., float], newer: Newer, instead: Callable | None) -> Callable:
    """`gated` of a plain function."""

    @functools.wraps(handler)
    async def call(*args, **named):
        try:
            turn = Turn(price(*args, **named), newer)
        except gr.Error:
            if instead is None:
                raise
            return instead(*args, **named)
        try:
            async for _ in turn.wait():
                pass
            if turn.ticket.state != "running":
                if instead is not None:
                    return instead(*args, **named)
                raise gr.Error(REPLACED, print_exception=False)
            answer = await turn.step(functools.partial(handler, *args, **named))
            turn.whole = True
            return answer
        except AbandonedError:
            raise gr.Error("painting: nobody listens any more", print_exception=False) from None
        finally:
            turn.leave()

    return call


def fixed(count: int, steps: int) -> Callable[..., float]:
    """The price of a handler that always makes so many pictures in so many steps, with guidance or without."""
    return lambda *args, **named: price_of(count, steps)


def look_again(asker: gr.Request) -> None:
    """Something happened, such as a press of Stop: what this visitor has waiting at the gate looks at it now."""
    page = LocalContext.blocks.get()
    if isinstance(page, GuardedBlocks):
        page.gate.wake(visitor_of(asker))


def queued(before: int | str) -> str:
    """What a page says of a request that waits, or why it waits no more."""
    if isinstance(before, str):
        return before
    seconds = getattr(before, "seconds", None)
    return f"{before} before you" + (f", about {seconds} s" if seconds else "") if before else "starting"


def wanted(steps: Iterable) -> Iterator:
    """The steps of some work inside a gated call, until nobody listens; raises AbandonedError then."""
    turn = _work.get()
    try:
        for step in steps:
            if turn is not None and turn.abandoned:
                raise AbandonedError
            yield step
    finally:
        if isinstance(steps, Generator):  # now, not when nobody keeps the error any more
            steps.close()
