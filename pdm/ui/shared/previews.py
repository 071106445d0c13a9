"""The eight pictures that show what a prototype paints, kept so that an undo shows them again at once.

The number of steps tells those of the student from those of the denoiser.
"""

from __future__ import annotations

from collections import OrderedDict

import torch

from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.editing.prototype_set import PrototypeSet

PREVIEWS = 8
SEED = 1
KEPT = 400  # previews in all, for all visitors: they depend on a vector alone

_known: OrderedDict[tuple, torch.Tensor] = OrderedDict()


def preview_request(star: int, prototypes: PrototypeSet | None, count: int = PREVIEWS) -> Request:
    """The same seeds each time, so that only the prototype differs."""
    return Request(prototypes=(star,), count=count, seed=SEED, prototype_set=prototypes)


def _key(shown_set: ShownSet, request: Request) -> tuple:
    prototype = shown_set.prototypes.get(request.prototypes[0])
    return shown_set.studio.name, prototype.vector, prototype.scale, request.count, request.steps


def known(shown_set: ShownSet, request: Request) -> torch.Tensor | None:
    """The pictures uint8 (B, C, H, W), if they were made before."""
    images = _known.get(_key(shown_set, request))
    if images is not None:
        _known.move_to_end(_key(shown_set, request))
    return images


def remember(shown_set: ShownSet, request: Request, images: torch.Tensor) -> None:
    _known[_key(shown_set, request)] = images
    while len(_known) > KEPT:
        _known.popitem(last=False)
