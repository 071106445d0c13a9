"""A stand-in for the hub's package `spaces`: as strict as the real one, without a GPU and without a fork."""

from __future__ import annotations

import functools
import inspect
import pickle
from collections.abc import Callable

import gradio as gr


class Spaces:
    """`GPU` as the module has it. What travels is pickled; the quota is charged by what is declared, then refused."""

    def __init__(self, quota: float):
        self.quota, self.sent = quota, []  # seconds; the sizes of what was sent to workers, in bytes

    def GPU(self, duration: Callable[..., float]) -> Callable:  # noqa: N802 (the real name)
        def wrap(function: Callable) -> Callable:
            @functools.wraps(function)
            def stream(*args):
                for value in function(*self._sent(duration, args)):
                    yield pickle.loads(pickle.dumps(value))

            @functools.wraps(function)
            def call(*args):
                return pickle.loads(pickle.dumps(function(*self._sent(duration, args))))

            return stream if inspect.isgeneratorfunction(function) else call

        return wrap

    def _sent(self, duration: Callable[..., float], args: tuple) -> tuple:
        """The arguments as a worker gets them; raises what the real one does when the quota is used up."""
        seconds = duration(*args)
        if seconds > self.quota:
            raise gr.Error("You have exceeded your GPU quota", title="ZeroGPU quota exceeded", print_exception=False)
        self.quota -= seconds
        packed = pickle.dumps(args)
        self.sent.append(len(packed))
        return pickle.loads(packed)
