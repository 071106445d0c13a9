"""Conditions from a prototype set: which of its prototypes stand in for the bank's, and how strongly they guide."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from pdm.editing.prototype_set import Prototype, PrototypeSet, model_hash
from pdm.editing.set_file import load_set
from pdm.model.assignments import AssignmentTable
from pdm.model.conditioning import Condition, from_vectors
from pdm.model.features import unit
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.checks import check_fits

Row = tuple[list[int], list[float]]  # ids and weights; id -1 has weight 0


def set_of(bank: PrototypeBank, source: PrototypeSet | str | os.PathLike) -> PrototypeSet:
    """A set or that in a file; raises ValueError unless it was made with this bank."""
    prototypes = source if isinstance(source, PrototypeSet) else load_set(Path(source))[0]
    check_fits(prototypes, bank)
    ours = model_hash(bank)
    if prototypes.model_hash != ours:
        raise ValueError(
            f"prototype_set: expected a set made with this model ({ours}), "
            f"got one made with {prototypes.model} ({prototypes.model_hash})"
        )
    return prototypes


def set_condition(prototypes: PrototypeSet, ids: torch.Tensor, weights: torch.Tensor, device) -> Condition:
    """A condition from rows of (ids, weights), each (B, M), over the set's vectors; id -1 needs weight 0."""
    place = {k: i for i, k in enumerate(prototypes.ids)}
    rows = torch.tensor([[place.get(k, 0) for k in row] for row in ids.tolist()])
    vectors = prototypes.vectors().to(device)
    condition = from_vectors(vectors, rows.to(device), weights.to(device), spherical=prototypes.spherical)
    return replace(condition, ids=ids.to(device))


def drawn_rows(
    prototypes: PrototypeSet, table: AssignmentTable, drawn: torch.Tensor, generators: list[torch.Generator]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and weights (B, M) over the set for the table's rows (B,) that were drawn, one generator a row.

    What nothing unmuted stands for is dropped from its row. A row that is left empty is drawn again among those
    that are not; where all are empty it is one prototype of the set. Other rows take nothing from their generators.
    """
    stand_ins = _stand_ins(prototypes)
    rows = [_mapped(row, stand_ins, g) for row, g in zip(_pairs(table, drawn), generators, strict=True)]
    if any(row is None for row in rows):
        pairs = _pairs(table, torch.arange(len(table)))
        usable = [row for row in pairs if any(k in stand_ins and w for k, w in zip(*row, strict=True))]
        for i, g in enumerate(generators):
            if rows[i] is None and usable:
                again = int(torch.randint(len(usable), (), generator=g, device=g.device))
                rows[i] = _mapped(usable[again], stand_ins, g)
            elif rows[i] is None:
                only = _chosen([p for p in prototypes.prototypes if not p.muted], g).id
                rest = table.ids.shape[1] - 1
                rows[i] = ([only, *[-1] * rest], [1.0, *[0.0] * rest])
    ids, weights = zip(*rows, strict=True)
    return torch.tensor(ids), torch.tensor(weights)


def redrawn(prototypes: PrototypeSet, generators: list[torch.Generator]) -> Callable[[int], Condition]:
    """The published sampler over a set: at every step one of the unmuted prototypes, uniformly, an image."""
    if any(p.scale != 1 for p in prototypes.prototypes):
        raise ValueError("redraw_each_step: expected a set in which every scale is 1, got others")
    active = torch.tensor(prototypes.active)

    def draw(step: int) -> Condition:
        rows = torch.stack([torch.randint(len(active), (1,), generator=g).cpu() for g in generators])
        return set_condition(prototypes, active[rows], torch.ones(rows.shape), "cpu")

    return draw


def bank_redrawn(bank: PrototypeBank, generators: list[torch.Generator]) -> Callable[[int], Condition]:
    """The same over the bank's own."""
    vectors = bank.vectors.detach()

    def draw(step: int) -> Condition:
        ids = torch.stack([torch.randint(bank.count, (1,), generator=g).cpu() for g in generators])
        ids = ids.to(vectors.device)
        ones = torch.ones(ids.shape, device=ids.device)
        return from_vectors(vectors, ids, ones, spherical=bank.config.spherical)

    return draw


def mixture(prototypes: PrototypeSet, bank: PrototypeBank, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The bank's `mixture` of features (B, D) over the set's unmuted prototypes."""
    active = torch.tensor(prototypes.active)
    vectors = prototypes.vectors(prototypes.active)
    if prototypes.spherical:  # only what an edit took off the sphere: the rest is to the last bit what it was
        off = (vectors.norm(dim=-1, keepdim=True) - 1).abs() > 1e-5
        vectors = torch.where(off, unit(vectors), vectors)
    nearest = torch.cdist(z, vectors.to(z.device)).topk(min(bank.config.tokens, len(active)), largest=False)
    return active[nearest.indices.cpu()], torch.softmax(-nearest.values / bank.config.weight_temperature, -1)


def row_scales(prototypes: PrototypeSet, condition: Condition) -> torch.Tensor:
    """What multiplies each row's guidance (B,): the weighted mean of its prototypes' scales, 1 where all are."""
    extra = {p.id: p.scale - 1 for p in prototypes.prototypes}
    rows = torch.tensor([[extra.get(k, 0.0) for k in row] for row in condition.ids.tolist()])
    return 1 + (condition.weights.cpu() * rows).sum(-1)


def _pairs(table: AssignmentTable, drawn: torch.Tensor) -> list[Row]:
    ids, weights = table.rows(drawn.to(table.ids.device))
    return list(zip(ids.tolist(), weights.tolist(), strict=True))


def _stand_ins(prototypes: PrototypeSet) -> dict[int, list[Prototype]]:
    """For each prototype of the bank the unmuted ones of the set that stand for it."""
    found: dict[int, list[Prototype]] = {}
    for p in prototypes.prototypes:
        for k in () if p.muted else p.stands_for:
            found.setdefault(k, []).append(p)
    return found


def _mapped(row: Row, stand_ins: dict[int, list[Prototype]], generator: torch.Generator) -> Row | None:
    """A row of the table over the set; None where nothing of it is left."""
    ids, weights, lost = [], [], 0.0
    for k, weight in zip(*row, strict=True):
        candidates = stand_ins.get(k)
        id = _chosen(candidates if weight else candidates[:1], generator).id if candidates else -1
        lost += weight if id < 0 else 0.0
        if id >= 0 and id in ids:  # two of the bank's became one: a token counts once, with both weights
            weights[ids.index(id)] += weight
            id = -1
        ids.append(id)
        weights.append(weight if id >= 0 else 0.0)
    if not any(weights):
        return None
    if lost:
        weights = [w / math.fsum(weights) for w in weights]
    return ids, weights


def _chosen(candidates: list[Prototype], generator: torch.Generator) -> Prototype:
    """One of the prototypes, in proportion to usage (equal, where nothing is used); a single one without a draw."""
    if len(candidates) == 1:
        return candidates[0]
    usage = torch.tensor([p.usage for p in candidates], dtype=torch.float64)
    shares = (usage if usage.any() else torch.ones_like(usage)).cumsum(0)
    drawn = torch.rand((), generator=generator, device=generator.device, dtype=torch.float64).cpu()
    return candidates[min(int(torch.searchsorted(shares, drawn * shares[-1], right=True)), len(candidates) - 1)]
