"""One prototype set as the page shows it: every prototype's name, hue, picture and place on the map."""

from __future__ import annotations

import colorsys
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch

from pdm.editing.edits import EditContext
from pdm.editing.prototype_set import Prototype, PrototypeSet
from pdm.map.projection import PrototypeMap
from pdm.model.features import unit
from pdm.support.checks import known_ids, shown

if TYPE_CHECKING:
    from pdm.app.refit import Layout
    from pdm.app.studio import Studio

GOLDEN = 0.618034  # steps of this share of the circle keep the hues of added prototypes apart
MAX_PLACES = 20_000  # vectors whose places are remembered for a map or a layout; a place takes about 700 bytes
MAX_SHOWN_SETS = 64  # sets of visitors whose names, hues and places are kept ready
Place = tuple[int, tuple[float, float]]  # the map image nearest to a vector, and where the vector lies: (x, y)


class Places:
    """The places of vectors on one map or layout, worked out once, whoever's set they are in.

    Threads may share it. Beyond `most` vectors, those that were asked for longest ago are forgotten.
    """

    def __init__(self, most: int = MAX_PLACES):
        self._most = most
        self._known: OrderedDict[bytes, Place] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, vectors: Iterable[bytes], work_out: Callable[[list[bytes]], dict[bytes, Place]]) -> dict[bytes, Place]:
        """The place of each vector; `work_out` is called for those that are not known, while nobody waits."""
        wanted = dict.fromkeys(vectors)
        with self._lock:
            found = {v: self._known[v] for v in wanted if v in self._known}
        made = work_out(missing) if (missing := [v for v in wanted if v not in found]) else {}
        with self._lock:
            for vector, place in (found | made).items():
                self._known[vector] = place
                self._known.move_to_end(vector)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found | made


class ShownSets:
    """The sets of one model that were looked at last, at most `most`, and the places of their vectors.

    Threads may share it. The places on a layout go when the layout does.
    """

    def __init__(self, most: int = MAX_SHOWN_SETS):
        self._kept = lru_cache(maxsize=most)(self._made)  # takes the hash of a set, which goes over its vectors, once
        self._places = Places()
        self._on_layouts: WeakKeyDictionary[Layout, Places] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, studio: Studio, prototypes: PrototypeSet, layout: Layout | None) -> ShownSet:
        """The same object for the same set and layout, as long as it is kept."""
        with self._lock:
            return self._kept(studio, prototypes, layout)

    def _made(self, studio: Studio, prototypes: PrototypeSet, layout: Layout | None) -> ShownSet:
        places = self._places if layout is None else self._on_layouts.setdefault(layout, Places())
        return ShownSet(studio, prototypes, layout, places)


class ShownSet:
    """`prototypes` over a model, on its map or on a `layout` of it. `Studio.shown_set` gives them.

    Dictionaries are by prototype id; `order` is that of every list of prototypes.
    """

    def __init__(
        self,
        studio: Studio,
        prototypes: PrototypeSet,
        layout: Layout | None = None,
        places: Places | None = None,
    ):
        self.studio, self.prototypes, self.layout = studio, prototypes, layout
        self._known = Places() if places is None else places

    @cached_property
    def map(self) -> PrototypeMap:
        """The model's, with its images where the layout has them."""
        return replace(self.studio.map, xy=self.layout.xy) if self.layout else self.studio.map

    @cached_property
    def edit_context(self) -> EditContext:
        """What edits of this set may refer to; points are those of its layout."""
        return EditContext(self.studio.base, self.map.xy, self.map.features)

    @property
    def edited(self) -> bool:
        return self.prototypes != self.studio.base

    @cached_property
    def names(self) -> dict[int, str]:
        return {p.id: p.name for p in self.prototypes.prototypes}

    @cached_property
    def usage(self) -> dict[int, float]:
        """Share of the training set that each was learned from: by it, pictures draw prototypes where nobody picks."""
        return {p.id: p.usage for p in self.prototypes.prototypes}

    @cached_property
    def shares(self) -> dict[int, float]:
        """The share of the training images that are nearest to each prototype: after an edit another than `usage`.

        What the edit has changed is counted on the images of the map, a sample of them.
        """
        if not self.edited:
            return self.usage
        home, n = self.studio.shown_set(), len(self.studio.map)
        here, there = (Counter(v.nearest.tolist()) for v in (self, home))
        learned = home.usage
        return {k: min(1.0, max(0.0, learned.get(k, 0.0) + (here[k] - there[k]) / n)) for k in self.prototypes.ids}

    @cached_property
    def order(self) -> list[int]:
        """By class, those first that most of its images are nearest to; where classes are not known, the most used."""
        return [p.id for p in sorted(self.prototypes.prototypes, key=self._place)]

    def _place(self, prototype: Prototype) -> tuple[int, float, float, int]:
        counts = self.studio.pdm.bank.class_counts
        if prototype.id < len(counts) and counts.any():
            most, label = counts[prototype.id].max(0)
            return int(label), -float(most), -prototype.usage, prototype.id
        return int(self.studio.map.labels[self.covers[prototype.id]]), 0.0, -prototype.usage, prototype.id

    @cached_property
    def classes(self) -> dict[int, str]:
        """The class that most images of a learned vector have, and that of the image nearest to any other one."""
        counts, names = self.studio.pdm.bank.class_counts.cpu(), self.studio.map.class_names
        learned = {p.vector: p.id for p in self.studio.base.prototypes} if counts.any() else {}
        rows = {p.id: learned.get(p.vector) for p in self.prototypes.prototypes}
        return {
            k: self.studio.class_of(self.covers[k]) if row is None else names[int(counts[row].argmax())]
            for k, row in rows.items()
        }

    @cached_property
    def colours(self) -> dict[int, str]:
        """#rrggbb. The model's own keep theirs whatever is done to them; those of one class are close in hue."""
        base = self.studio.base
        own = self.order if self.prototypes is base else self.studio.shown_set().order
        hues = {k: colour(rank / len(own), 0.55 if rank % 2 else 0.48) for rank, k in enumerate(own)}
        return {k: hues.get(k) or colour(k * GOLDEN % 1, 0.52) for k in self.prototypes.ids}

    @cached_property
    def covers(self) -> dict[int, int]:
        """The map image nearest to each prototype: the picture it is shown by."""
        return {k: cover for k, (cover, _) in self._places.items()}

    @cached_property
    def xy(self) -> dict[int, tuple[float, float]]:
        return {k: place for k, (_, place) in self._places.items()}

    @cached_property
    def _places(self) -> dict[int, Place]:
        """Cover and place of each prototype."""
        places = self._known.of((p.vector for p in self.prototypes.prototypes), self._worked_out)
        return {p.id: places[p.vector] for p in self.prototypes.prototypes}

    def _worked_out(self, vectors: list[bytes]) -> dict[bytes, Place]:
        """The places of vectors of this set."""
        ids = {p.vector: p.id for p in self.prototypes.prototypes}
        placed = self.vectors([ids[v] for v in vectors])  # (n, D)
        covers = self.map.nearest(placed, 1)[0][:, 0].tolist()
        fixed = self.layout.stars if self.layout else {}
        return {
            v: (cover, fixed.get(v, (x, y)))
            for v, cover, (x, y) in zip(vectors, covers, self.map.place(placed).tolist(), strict=True)
        }

    @cached_property
    def nearest(self) -> np.ndarray:
        """The prototype id of each image of the map: int32 (N,), a tenth of what a list would keep."""
        ids = np.array(self.prototypes.ids, np.int32)
        return ids[self.prototypes.distances(self.studio.map.features).argmin(1).numpy()]

    def vectors(self, ids: list[int]) -> torch.Tensor:
        """(n, D), where features are: on the unit sphere for a spherical set."""
        vectors = self.prototypes.vectors(ids)
        return unit(vectors) if self.prototypes.spherical else vectors

    def pictures(self, ids: list[int]) -> torch.Tensor:
        """uint8 (n, C, H, W): what the prototypes are shown by."""
        return self.studio.map.images[[self.covers[k] for k in ids]]

    def check(self, ids: list) -> list[int]:
        """Ids that exist; raises ValueError otherwise. Everything a client sends goes through this."""
        for k in ids:
            if isinstance(k, bool) or not isinstance(k, int) or k not in self.names:
                raise ValueError(
                    f"prototypes: expected ids of this set, {known_ids(self.prototypes.ids)}, got {shown(k)}"
                )
        return ids


def colour(hue: float, lightness: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
