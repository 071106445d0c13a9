"""One visitor's state: picks, finished pictures, edited sets. Plain values: no tensors on a device, no gradio."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

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
from pdm.pipelines.recipe import Recipe
from pdm.ui.shared.sheets import packed_sheet

MAX_BATCHES = 24  # batches a session remembers; 16 small pictures are 16 KB
MAX_LAYOUTS = 4  # layouts of a map a session remembers; one of 10,000 images takes 80 KB


@dataclass(frozen=True)
class Batch:
    """Finished pictures uint8 (B, C, H, W), and for each the pairs (id, weight or distance) that conditioned it.

    One that a browser kept may have only the first of its pictures; its request makes the others again.
    """

    model: str
    request: Request
    images: np.ndarray
    evidence: tuple[tuple[tuple[int, float], ...], ...]
    find_ms: float
    denoise_ms: float

    def __len__(self) -> int:
        return len(self.images)

    @property
    def whole(self) -> bool:
        """Whether all pictures are there."""
        return len(self.images) == self.request.count

    @cached_property
    def sheet(self) -> str:
        """The pictures as text that a browser keeps."""
        return packed_sheet(self.images)

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
    """The last frame of a run as a batch."""
    assert frame.done and frame.condition is not None
    condition = frame.condition
    values = condition.weights if frame.distances is None else frame.distances  # RDM alone has distances
    evidence = tuple(
        tuple((k, round(v, 4)) for k, v, w in zip(ids, row, weights, strict=True) if k >= 0 and w > 0)
        for ids, row, weights in zip(condition.ids.tolist(), values.tolist(), condition.weights.tolist(), strict=True)
    )
    return Batch(studio.name, request, frame.images.numpy(), evidence, frame.find_ms, frame.denoise_ms)


@dataclass(frozen=True, eq=False)
class VisitorSets:
    """What a visitor has made of each model: the history of its prototype set, and the layouts of its map."""

    histories: tuple[tuple[str, EditHistory], ...] = ()
    layouts: tuple[tuple[str, tuple[Layout, ...]], ...] = ()

    def history(self, studio: Studio) -> EditHistory:
        return dict(self.histories).get(studio.name) or EditHistory.start(studio.base)

    def put(self, studio: Studio, history: EditHistory) -> VisitorSets:
        return replace(self, histories=tuple({**dict(self.histories), studio.name: history}.items()))

    def laid_out(self, name: str, layout: Layout) -> VisitorSets:
        """With another layout of the named model's map; `layout_before` goes back to those before it."""
        return self._with_layouts(name, (*dict(self.layouts).get(name, ()), layout)[-MAX_LAYOUTS:])

    def layout_before(self, name: str) -> VisitorSets:
        """Back to the layout before the current one; before the first, that is the map's own."""
        return self._with_layouts(name, dict(self.layouts).get(name, ())[:-1])

    def _with_layouts(self, name: str, layouts: tuple[Layout, ...]) -> VisitorSets:
        return replace(self, layouts=tuple({**dict(self.layouts), name: layouts}.items()))

    def layout(self, studio: Studio) -> Layout | None:
        """The layout that the visitor has made of the map; None while the map is as it was laid out at first."""
        *_, layout = dict(self.layouts).get(studio.name) or (None,)
        if layout is None or len(layout.xy) != len(studio.map):  # the map's images may have been exchanged since
            return None
        return layout

    def now(self, studio: Studio) -> PrototypeSet | None:
        """The visitor's set as a request takes it; None while it is the model's own."""
        prototypes = self.history(studio).now
        return None if prototypes == studio.base else prototypes

    def shown_set(self, studio: Studio) -> ShownSet:
        return studio.shown_set(self.history(studio).now, self.layout(studio))


@dataclass(frozen=True)
class Picks:
    """The prototypes picked to generate from, with a weight for each. Never changed in place.

    The pictures that were made are another state (`BatchHistory`): a run that ends sets that one alone, and does not
    undo what was picked while it ran.
    """

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    def within(self, ids: Collection[int]) -> Picks:
        """The picks that are among these ids: a set may have lost some of its prototypes."""
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
    unread: tuple[object, ...] = ()  # what the browser kept of models that nobody has loaded yet, as it came

    @property
    def batch(self) -> Batch | None:
        return self.batches[self.shown] if self.batches else None

    def made(self, batch: Batch) -> BatchHistory:
        return replace(self, batches=(batch, *self.batches)[:MAX_BATCHES], shown=0, opening=False)

    def repainted(self, place: int, batch: Batch) -> BatchHistory:
        """With a batch made again in its place, and shown; as the latest one where the place is gone."""
        if not 0 <= place < len(self.batches) or self.batches[place].request != batch.request:
            return self.made(batch)
        return replace(self, batches=(*self.batches[:place], batch, *self.batches[place + 1 :]), shown=place)
