"""Parts of a map that can be named, for whoever can't draw a lasso: a class, or a prototype and its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pdm.app.shown_set import ShownSet
from pdm.model.features import unit
from pdm.support.checks import expect

NEIGHBOURS = 4  # prototypes around one that make its surroundings
NEAR = 0.05  # of the map's width
MEANT, LARGE = 3, 0.2  # prototypes at most that images mean without one among them, and the part of them that one has


@dataclass(frozen=True)
class Region:
    """Rows of the map and ids of prototypes."""

    title: str
    images: list[int]
    stars: list[int]


def region_keys(shown_set: ShownSet) -> list[tuple[str, str]]:
    """Every region as people and as programs call it: (title, key)."""
    around = [(f"{shown_set.names[k]} and its neighbours", f"around {k}") for k in shown_set.order]
    return [*class_keys(shown_set), *around]


def class_keys(shown_set: ShownSet) -> list[tuple[str, str]]:
    """The regions that are classes of which the map has images."""
    present = shown_set.map.labels.unique().tolist()
    return [(f"All of {name}", f"class {c}") for c, name in enumerate(shown_set.map.class_names) if c in present]


def region(shown_set: ShownSet, key: str) -> Region:
    """What a key stands for; raises ValueError for one that is not among `region_keys`."""
    titles = {key: title for title, key in region_keys(shown_set)}
    expect("region", key, "a class of the map or a prototype of this set", isinstance(key, str) and key in titles)
    kind, number = key.split()
    if kind == "class":
        images = (shown_set.map.labels == int(number)).nonzero()[:, 0].tolist()
        name = shown_set.map.class_names[int(number)]
        return Region(titles[key], images, [k for k in shown_set.order if shown_set.classes[k] == name])
    distances = shown_set.prototypes.distances(shown_set.vectors([int(number)]))[0]
    nearest = distances.topk(min(NEIGHBOURS + 1, len(distances)), largest=False).indices.tolist()
    stars = [shown_set.prototypes.ids[i] for i in nearest]
    images = torch.isin(torch.tensor(shown_set.nearest), torch.tensor(stars)).nonzero()[:, 0].tolist()
    return Region(titles[key], images, stars)


def prototypes_of(shown_set: ShownSet, images: Sequence[int], stars: Sequence[int]) -> list[int]:
    """The prototypes that are meant by images of the map: those among them, else those nearest to most of them."""
    if stars:
        return list(stars)
    counts = Counter(int(shown_set.nearest[i]) for i in images).most_common(MEANT)
    return [k for place, (k, count) in enumerate(counts) if place == 0 or count >= LARGE * len(images)]


def empty_at(shown_set: ShownSet, point: Sequence[float]) -> bool:
    """Whether no image is near a point of the map: what is put there lies elsewhere, where the nearest ones are."""
    xy = shown_set.map.xy
    nearest = (xy - torch.tensor(list(point), dtype=xy.dtype)).norm(dim=1).min()
    return bool(nearest > NEAR * (xy.amax(0) - xy.amin(0)).max())


def region_vector(shown_set: ShownSet, key: str) -> torch.Tensor:
    """The mean (D,) of a region's features, as long as features are: something to move towards."""
    mean = shown_set.map.features[region(shown_set, key).images].mean(0)
    return unit(mean) if shown_set.prototypes.spherical else mean
