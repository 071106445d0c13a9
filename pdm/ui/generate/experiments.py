"""Six experiments to begin with, made of a model's own prototypes and names: each runs with one click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.ui.components.picture_grid import Item, pictures
from pdm.ui.generate.xy_grid import GUIDANCE, MOST, PROTOTYPE, SEED, STEPS, WEIGHT

FEW = 2  # prototypes that a class has at least, for a card of all of them


@dataclass(frozen=True)
class Experiment:
    """What a card says, the prototypes it picks with their weights, and for a grid its sides as they are typed.

    `sides`: what changes across, the values, what changes down, the values; empty for a batch of one mix.
    """

    title: str
    hint: str
    prototypes: tuple[int, ...]
    weights: tuple[float, ...]
    sides: tuple[str, str, str, str] | tuple[()] = ()


def experiments(studio: Studio) -> list[Experiment]:
    """Of the model's own set; fewer than six of one that has less than two prototypes."""
    shown_set = studio.shown_set()
    kinds = _kinds(shown_set)
    first = {kind: ids[0] for kind, ids in kinds.items()}
    common = max(shown_set.prototypes.ids, key=lambda k: shown_set.usage[k])
    rare = min(shown_set.prototypes.ids, key=lambda k: (shown_set.usage[k], k))
    few = "1, 2, 4, 10, 20" if studio.pdm.student is not None else "2, 3, 5, 10, 20"
    cards = []
    if len(first) > 1:
        (a, b), (c, d) = _nearest_and_furthest(shown_set, list(first))
        seeds = (SEED, "1, 2, 3")
        becomes = (WEIGHT, "1, 0.75, 0.5, 0.25, 0", *seeds)
        cards += [
            Experiment(f"From {_lower(a)} to {_lower(b)}", "in five steps", (first[a], first[b]), (0.5, 0.5), becomes),
            Experiment(f"Half {_lower(c)}, half {_lower(d)}", "a mix of two", (first[c], first[d]), (0.5, 0.5)),
        ]
    cards += _of_one_kind(shown_set, kinds)
    return [
        *cards,
        Experiment(f"Guidance, off to strong: {shown_set.names[common]}", "what it changes", (common,), (1.0,),
                   (GUIDANCE, "1, 1.5, 2, 3, 5", SEED, "1, 2, 3")),
        Experiment("One picture, more and more steps", shown_set.names[common], (common,), (1.0,),
                   (STEPS, few, SEED, "1, 2, 3")),
        Experiment(f"The rarest: {shown_set.names[rare]}", f"{100 * shown_set.usage[rare]:.1f} % of the images",
                   (rare,), (1.0,)),
    ]  # fmt: skip


def _kinds(shown_set: ShownSet) -> dict[str, list[int]]:
    """The prototypes of each class, the most used first; where there are no classes each prototype is a kind."""
    ids = sorted(shown_set.prototypes.ids, key=lambda k: (-shown_set.usage[k], k))
    kinds: dict[str, list[int]] = {}
    for k in ids:
        kinds.setdefault(shown_set.classes[k], []).append(k)
    return kinds if len(kinds) > 1 else {shown_set.names[k]: [k] for k in ids}


def _nearest_and_furthest(shown_set: ShownSet, kinds: Sequence[str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two kinds whose commonest prototypes are most alike, and the two whose are least alike."""
    first = {kind: ids[0] for kind, ids in _kinds(shown_set).items()}
    order = {k: i for i, k in enumerate(shown_set.prototypes.ids)}
    distances = shown_set.prototypes.distances(shown_set.vectors([first[kind] for kind in kinds]))
    apart = {
        (a, b): float(distances[i, order[first[b]]]) for i, a in enumerate(kinds) for j, b in enumerate(kinds) if i < j
    }
    return min(apart, key=lambda pair: apart[pair]), max(apart, key=lambda pair: apart[pair])


def _of_one_kind(shown_set: ShownSet, kinds: dict[str, list[int]]) -> list[Experiment]:
    """All prototypes of the class that has most of them, of those that fit into a grid; none where no class does."""
    fitting = {kind: ids for kind, ids in kinds.items() if FEW <= len(ids) <= MOST}
    if not fitting:
        fitting = {kind: ids[:MOST] for kind, ids in kinds.items() if len(ids) >= FEW}
    if not fitting:
        return []
    kind, ids = max(fitting.items(), key=lambda item: len(item[1]))
    values = ", ".join(_typed(shown_set, k) for k in ids)
    side = (PROTOTYPE, values, SEED, "1, 2, 3")
    return [Experiment(f"{kind}, all kinds", f"{len(ids)} prototypes side by side", (ids[0],), (1.0,), side)]


def _typed(shown_set: ShownSet, k: int) -> str:
    """A prototype as the field of a grid takes it: its name, or its id where the name has a comma."""
    name = shown_set.names[k]
    return str(k) if "," in name or name.isdecimal() else name


def _lower(name: str) -> str:
    """A name in the middle of a sentence: "T-shirt" as "t-shirt", "Food & Drink" as "food & drink", "USB" as it is."""
    return " ".join(word.lower() if word[1:].islower() else word for word in name.split(" "))


def cards(studio: Studio) -> dict:
    """The value of a PictureGrid: a card for each experiment, its id its place."""
    shown_set, made = studio.shown_set(), experiments(studio)
    covers = torch.stack([_cover(shown_set, e.prototypes) for e in made])
    return pictures(covers, [Item(i, e.title, e.hint) for i, e in enumerate(made)], cell=150)


def _cover(shown_set: ShownSet, ids: Sequence[int]) -> torch.Tensor:
    """A picture (C, H, W): that of one prototype, or the left half of the first and the right half of the second."""
    images = shown_set.pictures(list(ids[:2]))
    if len(images) == 1:
        return images[0]
    half = images.shape[-1] // 2
    return torch.cat([images[0][..., :half], images[1][..., half:]], -1)
