"""A process that is killed at a chosen moment, played inside the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import pytest

CHANGES = ("rename", "replace", "unlink", "remove", "rmdir", "mkdir")  # of a file system, by which renames are told


class Killed(BaseException):
    """Nothing of the process runs on: what it would tidy up stays."""


def killed_at(number: int, run: Callable[[], object], changes: Sequence[str] = CHANGES) -> bool:
    """Run until change `number` of the file system, from 0, at which the process dies; returns whether it did.

    From then on no such change is made, whatever handlers of errors try.
    """
    left = number

    def dying(change: Callable) -> Callable:
        def asked(*args, **kwargs):
            nonlocal left
            if left <= 0:
                left = -1
                raise Killed
            left -= 1
            return change(*args, **kwargs)

        return asked

    with pytest.MonkeyPatch.context() as patch:
        for name in changes:
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            run()
        except Killed:
            pass
    return left < 0


def each_kill(run: Callable[[], object], changes: Sequence[str] = CHANGES, most: int = 500) -> Iterator[int]:
    """Kill a run at its first change of the file system, then at its second one, until it comes to its end."""
    for number in range(most):
        if not killed_at(number, run, changes):
            return
        yield number
    raise AssertionError(f"expected an end within {most} changes")
