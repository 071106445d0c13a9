"""Two processes that train or evaluate together, as `torchrun` would start them.

They are forked from a process that has imported torch and the project once, which saves each the seconds of its
imports. That process has no threads and no state of the tests; it starts with the first of them.
"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from tests.ui.app_server import free_port

PRELOADED = ["tests.preloaded"]
TIMEOUT = 240


def two_processes(target: Callable, *arguments) -> list:
    """What `target(*arguments)` returns in the first and in the second process; its exceptions are raised here."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    with ProcessPoolExecutor(2, context) as processes:
        # A process takes one call only: it waits there for the other.
        calls = [
            processes.submit(_ranked, {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, target, *arguments)
            for rank in (0, 1)
        ]
        return [call.result(TIMEOUT) for call in calls]


def _ranked(environment: dict[str, str], target: Callable, *arguments):
    os.environ.update(environment)
    return target(*arguments)
