"""A model as the app uses it: its pipelines, the map, and its prototypes."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from PIL import Image

from pdm.app.refit import Layout
from pdm.app.shown_set import ShownSet, ShownSets, colour
from pdm.app.together import Together
from pdm.data.images import to_pil, to_unit
from pdm.editing.edits import EditContext
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.map.projection import PrototypeMap
from pdm.methods import METHODS
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.checks import shown

TITLES = {
    "emoji": "Emoji",
    "fashion-mnist": "Fashion-MNIST",
    "eurosat": "EuroSAT",
    "cifar10": "CIFAR-10",
    "stl10": "STL-10",
    "tiny-imagenet": "Tiny ImageNet",
    "celeba": "CelebA",
}

# Those of this process and of what it forks: a GPU worker gets a studio's number, and not its nets through a pipe.
_NUMBERS = itertools.count()
_LIVING: weakref.WeakValueDictionary[int, Studio] = weakref.WeakValueDictionary()


def living(number: int) -> Studio:
    """The studio that was pickled under this number. Raises ValueError in a process that was forked before it was."""
    studio = _LIVING.get(number)
    if studio is None:
        raise ValueError(f"studio: expected one that this process has, got number {number}")
    return studio


def ready(shown: PrototypeMap) -> Future[PrototypeMap]:
    """A map that is there already."""
    reading: Future[PrototypeMap] = Future()
    reading.set_result(shown)
    return reading


@dataclass(frozen=True, eq=False)
class Studio:
    """`name` is the folder's; `pdm`, `rdm` and the map come from it (design: assets/<name>/{pdm,rdm,map}).

    A value: nothing here is changed once it is made, and a map with other images makes another studio. What is worked
    out of visitors' sets over it is kept by a `ShownSets`, which any number of threads may ask.

    `reading`: the map, which may still be being read: painting does not wait for it.
    `others`: pipelines of further methods, by method, which may be loaded only when they are asked for.
    `images_seen`: how many images each method's net was trained on, repeats counted, where its card says so.
    `together` paints: what works on these nets goes through it.
    `entry_classes` (N,): the class of each entry of RDM's memory, where it is known without the images.
    `on_cpu`: makes the same model on the CPU, for when a Space's GPU is refused; None for one that is there already.
    """

    name: str
    pdm: PDMPipeline
    rdm: RDMPipeline | None
    reading: Future[PrototypeMap]
    entry_classes: torch.Tensor | None = None
    others: Mapping[str, PDMPipeline | RDMPipeline] = field(default_factory=dict)
    images_seen: Mapping[str, int] = field(default_factory=dict)
    on_cpu: Callable[[], Studio] | None = None
    together: Together = field(repr=False, default_factory=Together)
    _shown_sets: ShownSets = field(init=False, repr=False, default_factory=ShownSets)
    _number: int = field(init=False, repr=False, default_factory=lambda: next(_NUMBERS))

    def __post_init__(self):
        _LIVING[self._number] = self

    def __reduce__(self):
        return living, (self._number,)

    @property
    def map(self) -> PrototypeMap:
        """Waits until it is read; raises ValueError for a damaged one."""
        return self.reading.result()

    def with_map(self, shown: PrototypeMap) -> Studio:
        """This model with another map."""
        return replace(self, reading=ready(shown))

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name)

    @property
    def guidance(self) -> float:
        """What its page starts with and paints with where nothing else is asked for."""
        return self.pdm.config.guidance_scale

    @property
    def count(self) -> int:
        return self.pdm.bank.count

    @property
    def methods(self) -> tuple[str, ...]:
        have = {"pdm", "unconditional", *self.others} | ({"rdm"} if self.rdm else set())
        return tuple(m for m in METHODS if m in have)

    def pipeline(self, method: str) -> PDMPipeline | RDMPipeline:
        """The pipeline that paints with one of `methods`; without a condition PDM's, where no net was trained so.

        Raises ValueError for an RDM that is not there, and where one that was not asked for before is damaged.
        """
        if method in self.others:
            return self.others[method]
        if not METHODS[method].retrieves:
            return self.pdm
        if self.rdm is None:
            raise ValueError(f"method: expected one of {', '.join(self.methods)}, got {shown(method)}")
        return self.rdm

    @cached_property
    def base(self) -> PrototypeSet:
        """The prototypes as they were learned."""
        bank = self.pdm.bank
        return PrototypeSet.of_bank(bank, self.name, model_hash(bank))

    @property
    def edit_context(self) -> EditContext:
        return self.shown_set().edit_context

    def shown_set(self, prototypes: PrototypeSet | None = None, layout: Layout | None = None) -> ShownSet:
        """A set of this model's, by default its own, with all that the page shows of it, on the map or a layout."""
        return self._shown_sets.of(self, prototypes or self.base, layout)

    @cached_property
    def class_colours(self) -> list[str]:
        total = max(1, len(self.map.class_names))
        return [colour(c / total, 0.52) for c in range(total)]

    def class_of(self, image_id: int) -> str:
        label = int(self.map.labels[image_id])
        return self.map.class_names[label] if 0 <= label < len(self.map.class_names) else "no label"

    def picture(self, image_id: int) -> Image.Image:
        return to_pil(self.map.images[image_id])

    def check_images(self, ids: list[int]) -> list[int]:
        for k in ids:
            if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < len(self.map):
                raise ValueError(f"images: expected whole numbers from 0 to {len(self.map) - 1}, got {shown(k)}")
        return ids

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """f_phi of uint8 images (B, C, H, W), on the CPU."""
        bank = self.pdm.bank
        return bank.encode(to_unit(images).to(bank.device)).float().cpu()
