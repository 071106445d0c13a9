"""What the denoiser attends to, and the two makers of it: prototypes (PDM) and retrieved neighbours (RDM)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from pdm.model.features import unit

AWAY = -3  # the ids of a null row that guidance leads away from
NULL = -2  # the id of a token that the denoiser puts its null token in place of, where weights differ by place


@dataclass(frozen=True)
class Condition:
    """A row per image: tokens (B, M, D), weights (B, M) that sum to 1, ids (B, M), -1 where a token has none.

    `is_null` (B,) marks rows that take the denoiser's learned null token instead.
    `places` (B, M, h, w), where they are given, are weights that differ from place to place of the picture and sum to 1
    over the tokens at each; `weights` are then their means. There the id `NULL` is a token for the null one.
    """

    tokens: torch.Tensor
    weights: torch.Tensor
    ids: torch.Tensor
    is_null: torch.Tensor
    places: torch.Tensor | None = None

    def __post_init__(self):
        b, m, _ = self.tokens.shape
        assert self.weights.shape == self.ids.shape == (b, m) and self.is_null.shape == (b,)
        assert self.places is None or self.places.shape[:2] == (b, m)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows) -> Condition:
        return self._each(lambda t: t[rows])

    def to(self, device) -> Condition:
        return self._each(lambda t: t.to(device))

    def _each(self, do: Callable[[torch.Tensor], torch.Tensor]) -> Condition:
        places = None if self.places is None else do(self.places)
        return Condition(do(self.tokens), do(self.weights), do(self.ids), do(self.is_null), places)

    def dropped(self, rows: torch.Tensor) -> Condition:
        """The same, with the rows of the mask (B,) null as well."""
        return replace(self, is_null=self.is_null | rows)


def stacked(conditions: Sequence[Condition]) -> Condition:
    """Conditions of as many tokens each, row after row; where some have places, the others get their weights there."""
    fields = ("tokens", "weights", "ids", "is_null")
    shapes = [c.places.shape[2:] for c in conditions if c.places is not None]
    places = torch.cat([_everywhere(c, shapes[0]) for c in conditions]) if shapes else None
    tokens, weights, ids, is_null = (torch.cat([getattr(c, field) for c in conditions]) for field in fields)
    return Condition(tokens, weights, ids, is_null, places)


def padded(condition: Condition, tokens: int) -> Condition:
    """The same with as many tokens, at least its own: those that are added have no weight, and do nothing."""
    more = tokens - condition.tokens.shape[1]
    if more == 0:
        return condition
    return replace(
        condition,
        tokens=F.pad(condition.tokens, (0, 0, 0, more)),
        weights=F.pad(condition.weights, (0, more)),
        ids=F.pad(condition.ids, (0, more), value=-1),
    )


def _everywhere(condition: Condition, shape: torch.Size) -> torch.Tensor:
    if condition.places is not None:
        return condition.places
    return condition.weights[:, :, None, None].expand(-1, -1, *shape)


def blended(conditions: Sequence[Condition], shares: torch.Tensor) -> Condition:
    """One condition with all their tokens, in which condition i has the share `shares[i]` (h, w) of each place.

    The conditions (n) are of as many rows each; the shares (n, h, w) sum to 1 at every place.
    """
    ids = [torch.where(c.is_null[:, None], NULL, c.ids) for c in conditions]
    places = [c.weights.float()[..., None, None] * s for c, s in zip(conditions, shares.to(ids[0].device), strict=True)]
    joined = torch.cat(places, 1)  # (B, M, h, w)
    never = torch.zeros_like(conditions[0].is_null)
    return Condition(
        torch.cat([c.tokens for c in conditions], 1), joined.mean((2, 3)), torch.cat(ids, 1), never, joined
    )


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
