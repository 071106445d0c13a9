"""What a model opens with: its first pictures, made once for all visitors."""

from __future__ import annotations

import threading

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.studio import Library
from pdm.ui.shared.session import Batch, BatchHistory, finished


class Openings:
    """A real batch with its recipe for each model that was looked at; making it warms the network up."""

    def __init__(self, library: Library):
        self.library = library
        self._batches: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> BatchHistory:
        with self._lock:
            if name not in self._batches:
                self._batches[name] = self._painted(name)
            return BatchHistory((self._batches[name],), opening=True)

    def _painted(self, name: str) -> Batch:
        studio = self.library.get(name)
        request = resolved(studio, Request(seed=1))
        *_, last = run(studio, request)
        return finished(studio, request, last)
