"""The eight pictures that show what a prototype paints, kept so that an undo shows them again at once."""

from __future__ import annotations

import threading
from collections import OrderedDict

import torch

from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.editing.prototype_set import PrototypeSet

PREVIEWS = 8
SEED = 1
KEPT = 400  # previews of all visitors together: which one is meant depends on a vector alone, not on who asks


def preview_request(star: int, prototypes: PrototypeSet | None, count: int = PREVIEWS) -> Request:
    """The same seeds each time, so that only the prototype differs."""
    return Request(prototypes=(star,), count=count, seed=SEED, prototype_set=prototypes)


class Previews:
    """The latest `kept` previews. Safe to use from several threads, in which Gradio runs the events of visitors."""

    def __init__(self, kept: int = KEPT):
        self._kept = kept
        self._images: OrderedDict[tuple, torch.Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, shown_set: ShownSet, request: Request) -> torch.Tensor | None:
        """The pictures of a request, uint8 (B, C, H, W), or None if they are not among the latest."""
        key = _key(shown_set, request)
        with self._lock:
            if key not in self._images:
                return None
            self._images.move_to_end(key)
            return self._images[key]

    def remember(self, shown_set: ShownSet, request: Request, images: torch.Tensor) -> None:
        """Keep the pictures of a request; the one used longest ago goes when there are too many."""
        key = _key(shown_set, request)
        with self._lock:
            self._images[key] = images
            self._images.move_to_end(key)
            while len(self._images) > self._kept:
                self._images.popitem(last=False)


def _key(shown_set: ShownSet, request: Request) -> tuple:
    """What a preview depends on. The number of steps tells sketches from pictures in full."""
    prototype = shown_set.prototypes.get(request.prototypes[0])
    return shown_set.studio.name, prototype.vector, prototype.scale, request.count, request.steps
