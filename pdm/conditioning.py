"""What the denoiser attends to, and the two makers of it: prototypes (PDM) and retrieved neighbours (RDM)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdm.features import unit


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


def training_condition(
    vectors: torch.Tensor,
    ids: torch.Tensor,
    weights: torch.Tensor,
    *,
    nearest_only: float,
    blended: float,
    spherical: bool,
    generator: torch.Generator,
) -> Condition:
    """`from_vectors`, with some rows cut to the nearest prototype and some blended into a single new vector.

    A denoiser that has only ever seen K fixed vectors cannot obey an edited one; the blends are those in between.
    """
    kind = torch.rand(len(ids), 1, generator=generator).to(ids.device)
    one_hot = torch.zeros_like(weights)
    one_hot[:, 0] = 1
    blend = (kind >= nearest_only) & (kind < nearest_only + blended)  # (B, 1)
    single = (kind < nearest_only) | blend
    mean = torch.einsum("bm,bmd->bd", weights, vectors[ids])
    chosen = vectors[ids]
    first = torch.where(blend, mean, chosen[:, 0])
    chosen = torch.cat([first[:, None], chosen[:, 1:]], 1)
    condition = Condition(
        as_tokens(chosen, spherical),
        torch.where(single, one_hot, weights),
        ids,
        torch.zeros(len(ids), dtype=torch.bool, device=ids.device),
    )
    return condition
