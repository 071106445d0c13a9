"""The eight pictures that show what a prototype paints, kept so that an undo shows them again at once.

The number of steps tells those of the student from those of the denoiser.
"""

from __future__ import annotations

from collections import OrderedDict

import torch

from pdm.app.requests import Request
from pdm.app.set_view import Vocabulary
from pdm.editing.prototype_set import PrototypeSet

PREVIEWS = 8
SEED = 1
KEPT = 400  # previews in all, for all visitors: they depend on a vector alone

_known: OrderedDict[tuple, torch.Tensor] = OrderedDict()


def preview_request(star: int, prototypes: PrototypeSet | None, count: int = PREVIEWS) -> Request:
    """The same seeds each time, so that only the prototype differs."""
    return Request(prototypes=(star,), count=count, seed=SEED, prototype_set=prototypes)


def _key(words: Vocabulary, request: Request) -> tuple:
    prototype = words.prototypes.get(request.prototypes[0])
    return words.studio.name, prototype.vector, prototype.scale, request.count, request.steps


def known(words: Vocabulary, request: Request) -> torch.Tensor | None:
    """The pictures uint8 (B, C, H, W), if they were made before."""
    images = _known.get(_key(words, request))
    if images is not None:
        _known.move_to_end(_key(words, request))
    return images


def remember(words: Vocabulary, request: Request, images: torch.Tensor) -> None:
    _known[_key(words, request)] = images
    while len(_known) > KEPT:
        _known.popitem(last=False)
