"""Work for a Space's ZeroGPU: in a worker that holds a GPU, or on the CPU when the GPU is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from pdm.app.studio import Studio

REFUSED = "No GPU is free for you at the moment, so this was painted on the CPU."

# What tells the visitor whose work is done; who serves him sets it.
tell: ContextVar[Callable[[str], Any]] = ContextVar("tell", default=lambda line: None)


def streamed(on_gpu: Callable, here: Callable, studio: Studio, *rest) -> Iterator:
    """What the generator `on_gpu(studio, *rest)` yields; if it fails at its start, what `here` yields on the CPU.

    `here` is the same function without a worker. It says an error of the request once more, in its own words.
    """
    if on_gpu is here:
        yield from here(studio, *rest)
        return
    steps = on_gpu(studio, *rest)
    try:
        first = next(steps)
    except Exception:  # of the quota, of a worker that died: all are Gradio's error, which this room doesn't know
        if studio.on_cpu is None:
            raise
        steps = here(studio.on_cpu(), *rest)
        first = next(steps)
        tell.get()(REFUSED)
    yield first
    yield from steps


def called(on_gpu: Callable, here: Callable, studio: Studio, *rest) -> Any:
    """The same of a plain function."""
    if on_gpu is here:
        return here(studio, *rest)
    try:
        return on_gpu(studio, *rest)
    except Exception:
        if studio.on_cpu is None:
            raise
        result = here(studio.on_cpu(), *rest)
        tell.get()(REFUSED)
        return result
