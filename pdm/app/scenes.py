"""Scenes for an empty canvas: smooth regions of prototypes that go together."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from pdm.app.canvas import Drawing
from pdm.app.canvas_painting import own_side
from pdm.app.shown_set import ShownSet

OPENING = 4  # the seed of the scene that a canvas opens with
REGIONS = 4  # of prototypes in a scene of patches
KINDS = 6  # of prototypes in a mosaic
# Of models whose classes are these: what lies by the water, in the town, on the hills and between them.
SEA, TOWN, WOOD, FIELDS = (
    "Sea lake",
    ("Residential", "Industrial"),
    "Forest",
    ("Annual crop", "Permanent crop", "Pasture"),
)


def scene(shown_set: ShownSet, width: int, height: int, seed: int) -> Drawing:
    """A drawing that suits the model: a coast where it knows land and water, a mosaic of objects, or patches."""
    random = np.random.default_rng(seed)
    classes = {shown_set.classes[k] for k in _unmuted(shown_set)}
    if shown_set.studio.pdm.config.tiling == "mosaic" and len(classes) > 1:
        return mosaic(shown_set, width, height, random)
    if {SEA, WOOD} <= classes and classes & {*TOWN} and classes & {*FIELDS}:
        return coast(shown_set, width, height, random)
    return patches(shown_set, width, height, random)


def coast(shown_set: ShownSet, width: int, height: int, random: np.random.Generator) -> Drawing:
    """The sea on one side, a town on the shore, fields behind it, woods farther inland."""
    legend = tuple(_one_of(shown_set, names, random) for names in ((SEA,), TOWN, FIELDS, FIELDS, (WOOD,)))
    sea, town, field, other, wood = range(1, 6)
    longest = max(width, height)
    x, y = np.meshgrid(np.arange(width) / longest, np.arange(height) / longest)
    x, y = x - width / longest / 2, y - height / longest / 2
    angle = random.uniform(0, 2 * np.pi)
    inland = x * np.cos(angle) + y * np.sin(angle) + 0.22 * _smooth(width, height, random, 3) + 0.14  # 0 at the shore
    pixels = np.full((height, width), field, np.uint8)
    pixels[_smooth(width, height, random, 4) > 0.25] = other
    pixels[inland > 0.32 + 0.16 * _smooth(width, height, random, 5)] = wood
    along = random.uniform(-0.15, 0.15) - (y * np.cos(angle) - x * np.sin(angle))
    pixels[np.hypot(along, inland - 0.08) + 0.06 * _smooth(width, height, random, 6) < 0.2] = town
    pixels[inland < 0] = sea
    return Drawing(_without_twins(legend, pixels), pixels)


def mosaic(shown_set: ShownSet, width: int, height: int, random: np.random.Generator) -> Drawing:
    """Prototypes of several classes, each on whole pictures of the net's own size: an object has no two halves."""
    side = shown_set.studio.pdm.image_size
    classes = sorted({shown_set.classes[k] for k in _unmuted(shown_set)})
    legend = tuple(_one_of(shown_set, (name,), random) for name in random.permutation(classes)[:KINDS])
    fields = np.stack([_smooth(-(-width // side), -(-height // side), random, 3) for _ in legend])
    cells = (fields.argmax(0) + 1).astype(np.uint8)
    return Drawing(legend, np.kron(cells, np.ones((side, side), np.uint8))[:height, :width])


def patches(shown_set: ShownSet, width: int, height: int, random: np.random.Generator) -> Drawing:
    """A frequent prototype and those most like it, each where its own smooth field is the highest."""
    ids = _unmuted(shown_set)
    shares = np.array([shown_set.usage[k] for k in ids]) + 1e-9
    first = int(random.choice(ids, p=shares / shares.sum()))
    distances = shown_set.prototypes.distances(shown_set.vectors([first]))[0]
    near = [shown_set.prototypes.ids[i] for i in distances.argsort().tolist()]
    legend = tuple([k for k in near if k in ids][: 3 * REGIONS : 3])  # not quite alike, so that one sees where each is
    fields = np.stack([_smooth(width, height, random, 3) for _ in legend])
    return Drawing(legend, (fields.argmax(0) + 1).astype(np.uint8))


def _smooth(width: int, height: int, random: np.random.Generator, waves: int) -> np.ndarray:
    """A smooth field (H, W) of about -1 to 1, with so many hills and hollows along its longer side."""
    longest = max(width, height)
    coarse = [max(2, round(waves * side / longest) + 2) for side in (height, width)]
    values = torch.from_numpy(random.standard_normal(coarse))[None, None]
    field = F.interpolate(values, size=(height, width), mode="bicubic", align_corners=True)[0, 0].numpy()
    return field / max(1e-9, np.abs(field).max())


def _unmuted(shown_set: ShownSet) -> list[int]:
    return [k for k in shown_set.order if not shown_set.prototypes.get(k).muted]


def _one_of(shown_set: ShownSet, classes: tuple[str, ...], random: np.random.Generator) -> int:
    """A prototype of one of these classes, the more often the more it is used."""
    ids = [k for k in _unmuted(shown_set) if shown_set.classes[k] in classes]
    shares = np.array([shown_set.usage[k] for k in ids]) + 1e-9
    return int(random.choice(ids, p=shares / shares.sum()))


def _without_twins(legend: tuple[int, ...], pixels: np.ndarray) -> tuple[int, ...]:
    """A legend without an id twice; `pixels` is changed to it."""
    kept = tuple(dict.fromkeys(legend))
    numbers = np.array([0, *(kept.index(k) + 1 for k in legend)], np.uint8)
    pixels[:] = numbers[pixels]
    return kept


def opening_scene(shown_set: ShownSet) -> Drawing:
    """The scene that a model's canvas opens with."""
    side = own_side(shown_set.studio)
    return scene(shown_set, side, side, OPENING)
