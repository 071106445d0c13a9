"""The end of the app: asked to (SIGTERM, Ctrl-C), it lets the running step end, then closes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from pdm.ui.guard.blocks import GuardedBlocks

LIMIT = 8.0  # seconds for the step that runs; a container is usually killed ten seconds after it was asked to end
LOOK = 0.02


def serve_until_asked(page: GuardedBlocks, launch: Callable[[], object]) -> None:
    """Launch, without blocking, and serve until the first signal; a second one ends the process at once.

    For the main thread, which alone gets signals.
    """
    asked = threading.Event()

    def ask(*_) -> None:
        asked.set()
        for number in usual:
            signal.signal(number, signal.SIG_DFL)

    usual = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in usual:
            signal.signal(number, ask)
        launch()
        while not asked.wait(1.0):  # without an end some systems would not let signals through
            pass
        end(page)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def end(page: GuardedBlocks, limit: float = LIMIT) -> None:
    """Nothing new begins, what runs stops after its step, and the server closes."""
    page.listeners.ended = True
    latest = time.monotonic() + limit
    while len(page.gate) and time.monotonic() < latest:
        time.sleep(LOOK)
    page.close(verbose=False)
