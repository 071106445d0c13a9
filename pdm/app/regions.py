"""Parts of a map that can be named, for whoever can't draw a lasso: a class, or a prototype and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdm.app.set_view import Vocabulary
from pdm.model.features import unit
from pdm.support.checks import expect

NEIGHBOURS = 4  # prototypes around one that make its surroundings


@dataclass(frozen=True)
class Region:
    """Rows of the map and ids of prototypes."""

    title: str
    images: list[int]
    stars: list[int]


def region_keys(words: Vocabulary) -> list[tuple[str, str]]:
    """Every region as people and as programs call it: (title, key)."""
    around = [(f"{words.names[k]} and its neighbours", f"around {k}") for k in words.order]
    return [*class_keys(words), *around]


def class_keys(words: Vocabulary) -> list[tuple[str, str]]:
    """The regions that are classes of which the map has images."""
    present = words.map.labels.unique().tolist()
    return [(f"All of {name}", f"class {c}") for c, name in enumerate(words.map.class_names) if c in present]


def region(words: Vocabulary, key: str) -> Region:
    """What a key stands for; raises ValueError for one that is not among `region_keys`."""
    titles = {key: title for title, key in region_keys(words)}
    expect("region", key, "a class of the map or a prototype of this set", isinstance(key, str) and key in titles)
    kind, number = key.split()
    if kind == "class":
        images = (words.map.labels == int(number)).nonzero()[:, 0].tolist()
        name = words.map.class_names[int(number)]
        return Region(titles[key], images, [k for k in words.order if words.classes[k] == name])
    distances = words.prototypes.distances(words.vectors([int(number)]))[0]
    nearest = distances.topk(min(NEIGHBOURS + 1, len(distances)), largest=False).indices.tolist()
    stars = [words.prototypes.ids[i] for i in nearest]
    images = torch.isin(torch.tensor(words.nearest), torch.tensor(stars)).nonzero()[:, 0].tolist()
    return Region(titles[key], images, stars)


def region_vector(words: Vocabulary, key: str) -> torch.Tensor:
    """The mean (D,) of a region's features, as long as features are: something to move towards."""
    mean = words.map.features[region(words, key).images].mean(0)
    return unit(mean) if words.prototypes.spherical else mean
