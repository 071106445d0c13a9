"""What was painted, one line of JSON each: never a picture, an address, or a session."""

from __future__ import annotations

import datetime
import json
import logging
import queue
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

log = logging.getLogger("pdm.work")
log.setLevel(logging.WARNING)  # nothing is written until `written` says where


@contextmanager
def logged(event: str, model: str, pictures: int, steps: int) -> Iterator[None]:
    """Say how the work inside ended, and after how many seconds.

    The outcome is "done", "stopped" where nobody waited for the end, or the name of the error.
    """
    started, outcome = time.perf_counter(), "done"
    try:
        yield
    except GeneratorExit:
        outcome = "stopped"
        raise
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        if log.isEnabledFor(logging.INFO):
            line = {"time": _now(), "event": event, "model": model, "pictures": pictures, "steps": steps}
            log.info(json.dumps(line | {"seconds": round(time.perf_counter() - started, 3), "outcome": outcome}))


@contextmanager
def written(stream: TextIO | None = None) -> Iterator[None]:
    """Lines go to `stream`, by default the error output, from a thread of its own: no painting waits for a pipe."""
    lines: queue.SimpleQueue = queue.SimpleQueue()
    handler, usual = QueueHandler(lines), (log.level, log.propagate)
    listener = QueueListener(lines, logging.StreamHandler(stream or sys.stderr))
    listener.start()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = usual
        listener.stop()


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
