"""What the denoiser attends to, and the two makers of it: prototypes (PDM) and retrieved neighbours (RDM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pdm.model.features import unit


@dataclass(frozen=True)
class Condition:
    """A row per image: tokens (B, M, D), weights (B, M) that sum to 1, ids (B, M), -1 where a token has none.

    `is_null` (B,) marks rows that take the denoiser's learned null token instead.
    """

    tokens: torch.Tensor
    weights: torch.Tensor
    ids: torch.Tensor
    is_null: torch.Tensor

    def __post_init__(self):
        b, m, _ = self.tokens.shape
        assert self.weights.shape == self.ids.shape == (b, m) and self.is_null.shape == (b,)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows) -> Condition:
        return Condition(self.tokens[rows], self.weights[rows], self.ids[rows], self.is_null[rows])

    def to(self, device) -> Condition:
        return Condition(*(t.to(device) for t in (self.tokens, self.weights, self.ids, self.is_null)))

    def dropped(self, rows: torch.Tensor) -> Condition:
        """The same, with the rows of the mask (B,) null as well."""
        return Condition(self.tokens, self.weights, self.ids, self.is_null | rows)


def stacked(conditions: Sequence[Condition]) -> Condition:
    """Conditions of as many tokens each, row after row."""
    fields = ("tokens", "weights", "ids", "is_null")
    return Condition(*(torch.cat([getattr(c, field) for c in conditions]) for field in fields))


def null_condition(batch: int, dim: int, tokens: int = 1) -> Condition:
    """The unconditional branch for a batch."""
    weights = torch.zeros(batch, tokens)
    weights[:, 0] = 1
    ids = torch.full((batch, tokens), -1)
    return Condition(torch.zeros(batch, tokens, dim), weights, ids, torch.ones(batch, dtype=torch.bool))


def as_tokens(vectors: torch.Tensor, spherical: bool = True) -> torch.Tensor:
    """Vectors (..., D) at the norm a token has: sqrt(D), so that components are of order one."""
    return unit(vectors) * vectors.shape[-1] ** 0.5 if spherical else vectors


def from_vectors(
    vectors: torch.Tensor, ids: torch.Tensor, weights: torch.Tensor, *, spherical: bool = True
) -> Condition:
    """Rows of (ids, weights), each (B, M), over a set of vectors (K, D): prototypes, edited or not."""
    tokens = as_tokens(vectors, spherical)[ids.long()]
    return Condition(tokens, weights, ids.long(), torch.zeros(len(ids), dtype=torch.bool, device=ids.device))


def from_neighbours(vectors: torch.Tensor, ids: torch.Tensor) -> Condition:
    """Rows of k retrieved neighbours, all of the same weight: their embeddings (B, k, E) and ids (B, k).

    A vector that is no entry of the memory, such as a text's, has the id -1.
    """
    weights = torch.full(ids.shape, 1.0 / ids.shape[1], device=ids.device)
    return Condition(as_tokens(vectors), weights, ids, torch.zeros(len(ids), dtype=torch.bool, device=ids.device))


def training_condition(
    vectors: torch.Tensor,
    z: torch.Tensor,
    ids: torch.Tensor,
    weights: torch.Tensor,
    *,
    nearest_only: float,
    blended: float,
    spherical: bool,
    generator: torch.Generator,
) -> Condition:
    """`from_vectors`, with some rows cut to the nearest prototype and some to a single new vector.

    A denoiser that has only ever seen K fixed vectors cannot obey an edited one. So a blended row sees its image's own
    feature z (B, D), pulled up to halfway towards any of the prototypes: what moves, merges and blends make.
    """
    kind, towards, t = torch.rand(3, len(ids), 1, generator=generator, device=generator.device).to(ids.device)
    one_hot = torch.zeros_like(weights)
    one_hot[:, 0] = 1
    blend = (kind >= nearest_only) & (kind < nearest_only + blended)  # (B, 1)
    single = (kind < nearest_only) | blend
    other = vectors[(towards[:, 0] * len(vectors)).long()]
    chosen = vectors[ids]
    first = torch.where(blend, torch.lerp(z.to(vectors.dtype), other, t / 2), chosen[:, 0])
    chosen = torch.cat([first[:, None], chosen[:, 1:]], 1)
    condition = Condition(
        as_tokens(chosen, spherical),
        torch.where(single, one_hot, weights),
        ids,
        torch.zeros(len(ids), dtype=torch.bool, device=ids.device),
    )
    return condition
