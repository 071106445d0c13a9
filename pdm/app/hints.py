"""The same hint for both methods: a training image, as PDM's prototypes and as RDM's neighbours see it."""

from __future__ import annotations

import torch

from pdm.app.studio import Studio
from pdm.data.images import to_unit
from pdm.model.conditioning import Condition, as_tokens, from_vectors, null_condition


@torch.no_grad()
def hinted(studio: Studio, method: str, rows: list[int]) -> tuple[Condition, torch.Tensor | None]:
    """A condition row for each of these images of the map, and RDM's distances (B, k), as in training.

    Methods with prototypes mix those nearest to the image. RDM takes its neighbours, its own entry left out: that would
    be the answer. Unconditional takes nothing.
    """
    images, pipeline = studio.map.images[rows], studio.pipeline(method)
    if method == "unconditional":
        return null_condition(len(rows), pipeline.denoiser.config.token_dim), None
    if method != "rdm":
        bank = pipeline.bank
        ids, weights = bank.mixture(bank.encode(to_unit(images).to(bank.device)).float())
        return from_vectors(bank.vectors, ids, weights, spherical=bank.config.spherical), None
    memory, k = studio.rdm.memory, studio.rdm.config.neighbours
    embeddings = studio.rdm.embedder.embed(to_unit(images))
    own = torch.full((len(rows),), -2) if studio.map.generated else torch.tensor(rows)  # -2: it has no entry
    ids = memory.neighbours_of(embeddings, own, k)
    tokens = memory.embeddings[ids]
    weights = torch.full(ids.shape, 1.0 / ids.shape[1])
    none = torch.zeros(len(rows), dtype=torch.bool)
    return Condition(as_tokens(tokens), weights, ids, none), (embeddings[:, None] - tokens).norm(dim=-1)
