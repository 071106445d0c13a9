"""Edits: pure functions from one prototype set to another. An edit that changes nothing returns the set it was given.

Each raises ValueError, in one line that names the field, for what the set does not have or may not become.
Vectors (D,) are torch or numpy; features (N, D) and places (N, 2) are those of the map's images.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import torch

from pdm.editing.names import MAX_TAGS, checked_name, checked_tags, merged_name, new_name, unique_name
from pdm.editing.prototype_set import MAX_SCALE, Prototype, PrototypeSet, vector_bytes
from pdm.support.checks import expect, is_number, is_whole, known_ids

MAX_PARTS = 8
BLENDED = 1.5  # how much more strongly a blend conditions than its ends do, where nobody says
NEIGHBOURS = 12  # images whose features make the vector of a point on the map


def move(current: PrototypeSet, id: int, vector: object) -> PrototypeSet:
    """Give a prototype another vector."""
    return _changed(current, [replace(current.get(id), vector=vector_bytes(vector, current.dim))])


def blend(
    current: PrototypeSet, a: int, b: int, t: float, name: str | None = None, strength: float = BLENDED
) -> PrototypeSet:
    """Add the prototype at t of the way from a to b, which conditions `strength` times as strongly as they do there."""
    vector, scale = between(current, a, b, t, strength)
    label = merged_name([current.get(a).name, current.get(b).name])
    return _added(current, vector, name, unique_name(label, current.names), scale)


def between(current: PrototypeSet, a: int, b: int, t: float, strength: float = BLENDED) -> tuple[bytes, float]:
    """The vector and the scale at t of the way from a to b, 0 to 1; at an end it is that end's vector, bit by bit.

    The scale is `strength` times theirs: training saw few images between prototypes, and pictures obey less there.
    """
    first, second = current.get(a, "a"), current.get(b, "b")
    expect("t", t, "a number from 0 to 1", is_number(t, 0, 1))
    expect("strength", strength, f"a number from 0 to {MAX_SCALE:g}", is_number(strength, 0, MAX_SCALE))
    ends = current.vectors([a, b]).double()
    on_the_way = vector_bytes(ends[0] * (1 - t) + ends[1] * t)
    at_ends: dict[float, bytes] = {0: first.vector, 1: second.vector}  # the sum would make 0 of -0
    vector = at_ends.get(t, on_the_way)
    scale = first.scale * (1 - t) + second.scale * t
    return vector, min(MAX_SCALE, strength * scale)


def analogy(current: PrototypeSet, a: int, b: int, c: int, name: str | None = None) -> PrototypeSet:
    """Add a - b + c: what a is to b, seen from c."""
    members = [current.get(k, field) for k, field in ((a, "a"), (b, "b"), (c, "c"))]
    x, y, z = current.vectors([a, b, c]).double()
    label = "{} - {} + {}".format(*(p.name for p in members))
    return _added(current, vector_bytes(x - y + z), name, unique_name(label, current.names))


def add(current: PrototypeSet, vector: object, name: str | None = None) -> PrototypeSet:
    """Add a prototype. It stands for none of the data: only picking it uses it."""
    return _added(current, vector_bytes(vector, current.dim), name, new_name(current.names))


def duplicate(current: PrototypeSet, id: int) -> PrototypeSet:
    """Add a copy that stands for none of the data."""
    p = current.get(id)
    copy = replace(
        p, id=current.next_id, name=unique_name(p.name, current.names, " copy"), usage=0.0, stands_for=(), muted=False
    )
    return _swapped(current, (), [copy])


def merge(current: PrototypeSet, ids: Sequence[int]) -> PrototypeSet:
    """Replace prototypes by one at the mean of their vectors, weighted by usage; it takes over all they stood for."""
    members = _members(current, ids)
    if len(members) == 1:
        return current
    usage = np.array([p.usage for p in members])
    weights = usage / usage.sum() if usage.any() else np.full(len(members), 1 / len(members))
    vector = weights @ current.vectors(ids).double().numpy()
    tags = dict.fromkeys(t for p in members for t in p.tags)
    scales = np.array([p.scale for p in members])
    merged = Prototype(
        current.next_id,
        unique_name(merged_name([p.name for p in members]), current.names),
        vector_bytes(vector),
        min(1.0, float(usage.sum())),
        tuple(tags)[:MAX_TAGS],
        float(scales[0] + weights @ (scales - scales[0])),  # equal ones stay exactly that
        all(p.muted for p in members),
        tuple(sorted({k for p in members for k in p.stands_for})),
    )
    return _swapped(current, ids, [merged])


def split(current: PrototypeSet, id: int, n: int, features: object) -> PrototypeSet:
    """Replace a prototype by n, the k-means of the features (N, D) of its own images, the largest share first."""
    from sklearn.cluster import KMeans  # a second to import

    parent = current.get(id)
    expect("n", n, f"a whole number from 2 to {MAX_PARTS}", is_whole(n, 2, MAX_PARTS))
    rows = _rows(features, current.dim)
    different = len(np.unique(rows, axis=0))
    if different < n:
        raise ValueError(f"n: expected at most the number of images that {parent.name} has, {different}, got {n}")
    # scikit-learn declares the type of its default, "auto", alone.
    parts = KMeans(n, n_init=4, random_state=0).fit_predict(rows)  # pyright: ignore[reportArgumentType]
    counts = np.bincount(parts, minlength=n)
    taken = [*current.names]
    children = []
    for i, part in enumerate(np.argsort(-counts, kind="stable")):
        taken.append(unique_name(parent.name, taken, f" {'abcdefgh'[i]}"))
        child = replace(
            parent,
            id=current.next_id + i,
            name=taken[-1],
            vector=vector_bytes(rows[parts == part].mean(0)),
            usage=parent.usage * float(counts[part] / len(rows)),
        )
        children.append(child)
    return _swapped(current, (id,), children)


def remove(current: PrototypeSet, ids: Sequence[int]) -> PrototypeSet:
    """Take prototypes out, but never the last one that is not muted."""
    _members(current, ids)
    if set(current.active) <= set(ids):
        raise ValueError(f"ids: expected to leave a prototype that is not muted, got all {len(current.active)} of them")
    return _swapped(current, ids, [])


def mute(current: PrototypeSet, ids: Sequence[int], muted: bool = True) -> PrototypeSet:
    """Leave prototypes out of pictures, or take them in again; never all."""
    members = _members(current, ids)
    expect("muted", muted, "true or false", isinstance(muted, bool))
    if muted and set(current.active) <= set(ids):
        raise ValueError(f"ids: expected to leave a prototype that is not muted, got all {len(current.active)} of them")
    return _changed(current, [replace(p, muted=muted) for p in members])


def solo(current: PrototypeSet, ids: Sequence[int]) -> PrototypeSet:
    """Mute all others."""
    heard = {p.id for p in _members(current, ids)}
    return _changed(current, [replace(p, muted=p.id not in heard) for p in current.prototypes])


def rename(current: PrototypeSet, id: int, name: str) -> PrototypeSet:
    return _changed(current, [replace(current.get(id), name=checked_name(name))])


def tag(current: PrototypeSet, id: int, tags: Sequence[str]) -> PrototypeSet:
    """Give a prototype these tags instead of those it has."""
    return _changed(current, [replace(current.get(id), tags=checked_tags(tags))])


def add_tags(current: PrototypeSet, ids: Sequence[int], tags: Sequence[str]) -> PrototypeSet:
    """Give prototypes these tags as well as those that they have."""
    members, more = _members(current, ids), checked_tags(tags)
    expect("tags", tags, "at least one", more != ())
    return _changed(current, [replace(p, tags=checked_tags([*dict.fromkeys([*p.tags, *more])])) for p in members])


def scale(current: PrototypeSet, id: int, value: float) -> PrototypeSet:
    """Multiply the guidance of pictures conditioned on a prototype."""
    expect("value", value, f"a number from 0 to {MAX_SCALE:g}", is_number(value, 0, MAX_SCALE))
    return _changed(current, [replace(current.get(id), scale=float(value))])


def reset(current: PrototypeSet, base: PrototypeSet, ids: Sequence[int] | None = None) -> PrototypeSet:
    """Bring prototypes of `base` back as they were there, removed ones too; without ids all, and nothing else stays.

    One that was merged or split away takes its rows of the table back from those that stood for it meanwhile, and
    with them their share of the data.
    """
    if ids is None:
        return current if current.prototypes == base.prototypes else replace(current, prototypes=base.prototypes)
    chosen = _members(base, ids)
    returning = {k for p in chosen for k in p.stands_for}
    share = {k: p.usage for p in base.prototypes for k in p.stands_for}
    rest = [_without(p, returning, share) for p in current.prototypes if p.id not in ids]
    prototypes = tuple(sorted([*rest, *chosen], key=lambda p: p.id))
    return current if prototypes == current.prototypes else replace(current, prototypes=prototypes)


def _without(p: Prototype, rows: Collection[int], share: dict[int, float]) -> Prototype:
    """The prototype without some of the rows it stands for, and without their part of its usage."""
    left = tuple(k for k in p.stands_for if k not in rows)
    if left == p.stands_for:
        return p
    before, after = (sum(share.get(k, 0.0) for k in ks) for ks in (p.stands_for, left))
    return replace(p, stands_for=left, usage=p.usage * after / before if before else 0.0)


def point_vector(xy: torch.Tensor, features: torch.Tensor, point: Sequence[float], k: int = NEIGHBOURS) -> torch.Tensor:
    """The feature (D,) of a point (2,) of the map: the distance-weighted mean of its k nearest images' features."""
    point = point.tolist() if isinstance(point, (torch.Tensor, np.ndarray)) else point
    holds = isinstance(point, (list, tuple)) and len(point) == 2 and all(is_number(v, -1e6, 1e6) for v in point)
    expect("point", point, "two numbers, its place on the map", holds)
    distances = (xy - torch.tensor(point, dtype=xy.dtype)).norm(dim=1)
    near = distances.topk(min(k, len(xy)), largest=False)
    weights = 1.0 / near.values.double().clamp_min(1e-6)
    return (weights / weights.sum()) @ features[near.indices].double()


def own_features(current: PrototypeSet, id: int, features: torch.Tensor) -> torch.Tensor:
    """Those of the features (N, D) that are nearest to this prototype."""
    return features[current.distances(features).argmin(1) == current.ids.index(current.get(id).id)]


def _members(current: PrototypeSet, ids: object) -> list[Prototype]:
    expect("ids", ids, "a list of ids", isinstance(ids, (list, tuple)))
    assert isinstance(ids, (list, tuple))
    members = [current.get(k, "ids") for k in ids]
    if not members or len(set(ids)) != len(ids):
        expect("ids", ids, f"at least one id and each once, of {known_ids(current.ids)}", False)
    return members


def _rows(features: object, dim: int) -> np.ndarray:
    rows = features.detach().cpu().numpy() if isinstance(features, torch.Tensor) else np.asarray(features)
    fits = rows.ndim == 2 and rows.shape[1] == dim and rows.dtype.kind == "f"
    expect("features", rows.shape, f"numbers of shape (N, {dim})", fits)
    expect("features", "NaN or infinite ones", "finite numbers", bool(np.isfinite(rows).all()))
    return rows.astype(np.float64)


def _changed(current: PrototypeSet, changed: Sequence[Prototype]) -> PrototypeSet:
    by_id = {p.id: p for p in changed}
    prototypes = tuple(by_id.get(p.id, p) for p in current.prototypes)
    return current if prototypes == current.prototypes else replace(current, prototypes=prototypes)


def _added(current: PrototypeSet, vector: bytes, name: str | None, default: str, scale: float = 1.0) -> PrototypeSet:
    name = default if name is None else checked_name(name)
    return _swapped(current, (), [Prototype(current.next_id, name, vector, 0.0, scale=scale)])


def _swapped(current: PrototypeSet, out: Collection[int], new: Sequence[Prototype]) -> PrototypeSet:
    """Without some, and with new ones at the end, whose ids are the next ones."""
    kept = tuple(p for p in current.prototypes if p.id not in out)
    return replace(current, prototypes=kept + tuple(new), next_id=current.next_id + len(new))
