"""One visitor's state: what is picked and what was made. Plain values, no tensors on a device, no gradio."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import torch

from pdm.app.painting import Frame
from pdm.app.refit import Layout
from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.data.images import to_pil
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.methods import METHODS
from pdm.pipelines.recipe import Recipe

MAX_BATCHES = 24  # batches a session remembers; 16 small pictures are 16 KB
MAX_LAYOUTS = 4  # layouts of a map a session remembers; one of 10,000 images takes 80 KB


@dataclass(frozen=True)
class Batch:
    """Finished pictures: uint8 (B, C, H, W), and per picture the (id, weight or distance) pairs that conditioned it."""

    model: str
    request: Request
    images: np.ndarray
    evidence: tuple[tuple[tuple[int, float], ...], ...]
    find_ms: float
    denoise_ms: float

    def __len__(self) -> int:
        return len(self.images)

    def shown_set(self, studio: Studio) -> ShownSet:
        """The prototypes as they were when these pictures were made."""
        return studio.shown_set(self.request.prototype_set)

    def tensor(self) -> torch.Tensor:
        return torch.from_numpy(self.images)

    def recipe(self, studio: Studio, index: int) -> Recipe:
        return self.request.recipe(studio, index)

    def picture(self, studio: Studio, index: int):
        """The PIL picture with its recipe in `info`, which a PNG keeps."""
        image = to_pil(self.tensor()[index])
        image.info["recipe"] = self.recipe(studio, index).to_json()
        return image


def finished(studio: Studio, request: Request, frame: Frame) -> Batch:
    """The batch a last frame stands for."""
    assert frame.done and frame.condition is not None
    condition = frame.condition
    values = frame.distances if METHODS[request.method].retrieves else condition.weights
    evidence = tuple(
        tuple((k, round(v, 4)) for k, v, w in zip(ids, row, weights, strict=True) if k >= 0 and w > 0)
        for ids, row, weights in zip(condition.ids.tolist(), values.tolist(), condition.weights.tolist(), strict=True)
    )
    return Batch(studio.name, request, frame.images.numpy(), evidence, frame.find_ms, frame.denoise_ms)


@dataclass(frozen=True, eq=False)
class VisitorSets:
    """The prototype set a visitor has made of each model, with all that was done to it, and where its map lies."""

    histories: tuple[tuple[str, EditHistory], ...] = ()
    layouts: tuple[tuple[str, tuple[Layout, ...]], ...] = ()

    def history(self, studio: Studio) -> EditHistory:
        return dict(self.histories).get(studio.name) or EditHistory.start(studio.base)

    def put(self, studio: Studio, history: EditHistory) -> VisitorSets:
        return replace(self, histories=tuple({**dict(self.histories), studio.name: history}.items()))

    def laid_out(self, name: str, layout: Layout) -> VisitorSets:
        """With another layout of the named model's map; the ones before it can be gone back to."""
        return self._with_layouts(name, (*dict(self.layouts).get(name, ()), layout)[-MAX_LAYOUTS:])

    def layout_before(self, name: str) -> VisitorSets:
        """Back to the layout before; from the first one to the map's own."""
        return self._with_layouts(name, dict(self.layouts).get(name, ())[:-1])

    def _with_layouts(self, name: str, layouts: tuple[Layout, ...]) -> VisitorSets:
        return replace(self, layouts=tuple({**dict(self.layouts), name: layouts}.items()))

    def layout(self, studio: Studio) -> Layout | None:
        """The layout that a visitor made of the map, None where it is the map's own."""
        layouts = dict(self.layouts).get(studio.name)
        fits = layouts and len(layouts[-1].xy) == len(studio.map)  # the map's images may have been exchanged since
        return layouts[-1] if fits else None

    def now(self, studio: Studio) -> PrototypeSet | None:
        """The visitor's set, None where it is the model's own."""
        prototypes = self.history(studio).now
        return None if prototypes == studio.base else prototypes

    def shown_set(self, studio: Studio) -> ShownSet:
        return studio.shown_set(self.history(studio).now, self.layout(studio))


@dataclass(frozen=True)
class Picks:
    """The prototypes picked to generate from and a weight for each. Like BatchHistory never changed in place.

    Picks and history are two states, so that a run that ends does not undo what was picked while it ran.
    """

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    def within(self, ids: Collection[int]) -> Picks:
        """Without the ids that are not among these: a set may have lost some since."""
        kept = [(k, w) for k, w in zip(self.ids, self.weights, strict=True) if k in ids]
        return Picks(tuple(k for k, _ in kept), tuple(w for _, w in kept))

    def toggled(self, k: int) -> Picks:
        """Pick prototype k with weight 1, or take it out."""
        if k in self.ids:
            left = [(i, w) for i, w in zip(self.ids, self.weights, strict=True) if i != k]
            return Picks(tuple(i for i, _ in left), tuple(w for _, w in left))
        return Picks((*self.ids, k), (*self.weights, 1.0))


@dataclass(frozen=True)
class BatchHistory:
    """The batches of a visit, newest first, and which of them is shown."""

    batches: tuple[Batch, ...] = ()
    shown: int = 0
    opening: bool = False  # nothing but what the page opened with: the visitor has made nothing yet

    @property
    def batch(self) -> Batch | None:
        return self.batches[self.shown] if self.batches else None

    def made(self, batch: Batch) -> BatchHistory:
        return BatchHistory((batch, *self.batches)[:MAX_BATCHES])
