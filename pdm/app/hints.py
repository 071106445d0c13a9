"""The same hint for both methods: a training image, as PDM's prototypes and as RDM's neighbours see it."""

from __future__ import annotations

import torch

from pdm.app.studio import Studio
from pdm.methods import METHODS
from pdm.model.conditioning import Condition, null_condition

NO_ENTRY = -2  # the row of an image that the memory has no entry of


def first_hint(studio: Studio) -> int:
    """The image of the map that stands for the first prototype of all lists, which the page opens with as well."""
    shown_set = studio.shown_set()
    return shown_set.covers[shown_set.order[0]]


def hinted(studio: Studio, method: str, rows: list[int]) -> tuple[Condition, torch.Tensor | None]:
    """A condition row for each of these images of the map, and RDM's distances (B, k), as in training.

    Methods with prototypes mix those nearest to the image. RDM takes its neighbours, its own entry left out: that would
    be the answer. A method without a condition takes nothing.
    """
    images, pipeline = studio.map.images[rows], studio.pipeline(method)
    if not METHODS[method].conditioned:
        return null_condition(len(rows), pipeline.denoiser.config.token_dim), None
    own = torch.full((len(rows),), NO_ENTRY) if studio.map.generated else torch.tensor(rows)
    return pipeline.condition_like(images, own)
