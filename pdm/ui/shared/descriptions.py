"""What the Prototypes tab says about a star, a region of the map, or a picture placed on it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.components.picture_grid import Item, pictures
from pdm.ui.shared.wording import bars, heading

SHOWN = 24  # images of a lasso that are drawn
REPRESENTATIVES = 8


def class_bars(studio: Studio, counts: torch.Tensor) -> str:
    """Class make-up as bars, from counts (C,). Empty if the data has no labels."""
    total = float(counts.sum())
    if not studio.map.class_names or not total:
        return ""
    rows = [
        (
            studio.map.class_names[c],
            float(counts[c]),
            f"{100 * float(counts[c]) / total:.0f} %",
            studio.class_colours[c],
        )
        for c in counts.argsort(descending=True).tolist()
        if counts[c] / total >= 0.01
    ]
    return bars(rows[:5], named=True)


def image_classes(studio: Studio, ids: torch.Tensor) -> torch.Tensor:
    """How many of these map images (n,) each class has, (C,)."""
    labels = studio.map.labels[ids]
    return torch.bincount(labels[labels >= 0], minlength=max(1, len(studio.map.class_names)))


def star_classes(shown_set: ShownSet, k: int) -> torch.Tensor:
    """Class make-up of a prototype (C,): over the training set for a learned one, else over its images of the map."""
    learned = shown_set.studio.pdm.bank.class_counts.cpu()
    if k < len(learned) and shown_set.prototypes.get(k) == shown_set.studio.base.get(k):
        return learned[k]
    mine = torch.tensor(shown_set.nearest) == k
    return image_classes(shown_set.studio, mine.nonzero()[:, 0])


def star_title(shown_set: ShownSet, k: int) -> str:
    prototype = shown_set.prototypes.get(k)
    share = f"{100 * shown_set.shares[k]:.1f} % of the training images"
    parts = [f"Nearest prototype of {share}"]
    if k not in shown_set.studio.base.ids:
        parts = ["Added in this visit", f"nearest to {share}"]
    parts += ["muted"] * prototype.muted + [f"strength {prototype.scale:g}"] * (prototype.scale != 1)
    parts += [", ".join(prototype.tags)] * bool(prototype.tags)
    return heading(prototype.name, "; ".join(parts), shown_set.colours[k], named=True)


def nearest_images(studio: Studio, vectors: torch.Tensor) -> dict:
    """The map's images nearest to a feature (1, D)."""
    ids, distances = studio.map.nearest(vectors, REPRESENTATIVES)
    items = [image_item(studio, i, d) for i, d in zip(ids[0].tolist(), distances[0].tolist(), strict=True)]
    return pictures(studio.map.images[ids[0]], items, across=4)


def image_item(studio: Studio, i: int, distance: float | None = None) -> Item:
    """Image `i` of the map under its class, a name that no language changes, and how far it is away."""
    title = studio.class_of(i)
    caption = "" if distance is None else f"{distance:.2f} away"
    return Item(i, title, caption, named=title in studio.map.class_names)


def near_prototypes(shown_set: ShownSet, z: torch.Tensor, count: int = 6, skip: int | None = None) -> dict:
    """The prototypes nearest to a feature (1, D); a click on one opens it."""
    distances = shown_set.prototypes.distances(z)[0].tolist()
    ranked = sorted((d, k) for d, k in zip(distances, shown_set.prototypes.ids, strict=True) if k != skip)[:count]
    items = [Item(k, shown_set.names[k], f"{d:.2f} away", shown_set.colours[k]) for d, k in ranked]
    return pictures(shown_set.pictures([k for _, k in ranked]), items, cell=98)


def weighted_prototypes(shown_set: ShownSet, pairs: Sequence[tuple[int, float]]) -> dict:
    """Prototypes with their weights in a mix; a click on one opens it."""
    items = [Item(k, shown_set.names[k], f"{100 * w:.0f} %", shown_set.colours[k], w) for k, w in pairs]
    return pictures(shown_set.pictures([k for k, _ in pairs]) if pairs else None, items, cell=98)


def region_title(images: int, stars: int, name: str = "") -> str:
    found = f" and {stars} prototype{'s' if stars > 1 else ''}" if stars else ""
    note = "Some of them are below." if images > SHOWN else ""
    if name:
        return heading(name, f"{images} images{found}. {note}")
    return heading(f"{images} images{found} inside", note)


def some(studio: Studio, ids: list[int]) -> dict:
    """A few of many images, spread over the list."""
    first = ids[:: max(1, len(ids) // SHOWN)][:SHOWN]
    return pictures(studio.map.images[first], [Item(i) for i in first], cell=48)
