"""A model as the app uses it: its pipelines, the map, and its prototypes. Never changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import torch
from PIL import Image

from pdm.app.refit import Layout
from pdm.app.shown_set import ShownSet, colour
from pdm.data.images import to_pil, to_unit
from pdm.editing.edits import EditContext
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.map.entries import load_classes
from pdm.map.projection import PrototypeMap, load_map
from pdm.map.real_images import Say, cached_map, real_map, source_of
from pdm.methods import METHODS
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.lazy import LazyPipelines
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.paths import ASSETS

SHOWN_SETS = 64  # sets of visitors whose names, hues and places are kept ready
TITLES = {
    "fashion-mnist": "Fashion-MNIST",
    "fashion-mnist-ablation": "Fashion-MNIST, five methods",
    "eurosat": "EuroSAT",
    "cifar10": "CIFAR-10",
}


@dataclass(frozen=True, eq=False)
class Studio:
    """`name` is the folder's; `pdm`, `rdm` and `map` come from it (design: assets/<name>/{pdm,rdm,map}).

    `others`: pipelines of further methods, by method, which may be loaded only when they are asked for.
    `images_seen`: how many images each method's net was trained on, repeats counted, where its card says so.
    `entry_classes` (N,): the class of each entry of RDM's memory, where it is known without the images.
    """

    name: str
    pdm: PDMPipeline
    rdm: RDMPipeline | None
    map: PrototypeMap
    entry_classes: torch.Tensor | None = None
    others: Mapping[str, PDMPipeline | RDMPipeline] = field(default_factory=dict)
    images_seen: Mapping[str, int] = field(default_factory=dict)

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

        Raises ValueError where one that was not asked for before is damaged.
        """
        if method in self.others:
            return self.others[method]
        return self.rdm if method == "rdm" else self.pdm

    @cached_property
    def base(self) -> PrototypeSet:
        """The prototypes as they were learned."""
        bank = self.pdm.bank
        return PrototypeSet.of_bank(bank, self.name, model_hash(bank))

    @cached_property
    def places(self) -> dict[bytes, tuple[int, tuple[float, float]]]:
        """Vectors whose cover and place on the map are known; kept by `ShownSet`."""
        return {}

    @property
    def edit_context(self) -> EditContext:
        return self.shown_set().edit_context

    def shown_set(self, prototypes: PrototypeSet | None = None, layout: Layout | None = None) -> ShownSet:
        """A set of this model's, by default its own, with all that the page shows of it, on the map or a layout."""
        return _shown_set(self, prototypes or self.base, layout)

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
                raise ValueError(f"images: expected whole numbers from 0 to {len(self.map) - 1}, got {k!r}")
        return ids

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """f_phi of uint8 images (B, C, H, W), on the CPU."""
        bank = self.pdm.bank
        return bank.encode(to_unit(images).to(bank.device)).float().cpu()


_shown_set = lru_cache(maxsize=SHOWN_SETS)(ShownSet)  # visitors' events run side by side: it is thread-safe


def load_studio(folder: Path, *, device: torch.device, dtype: torch.dtype) -> Studio:
    """Load assets/<name>. RDM may be missing; a missing or damaged PDM or map raises ValueError."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"model {folder.name!r}: expected one of {', '.join(available()) or 'none'}, got no such folder"
        )
    rdm = None
    if (folder / "rdm").is_dir():
        rdm = load_pipeline(folder / "rdm", "rdm", device=device, dtype=dtype)
        rdm.memory.to("cpu")  # only denoising belongs on the accelerator
    pdm = load_pipeline(folder / "pdm", "pdm", device=device, dtype=dtype)
    classes = load_classes(folder / "rdm", len(rdm.memory)) if rdm else None
    shown = load_map(folder / "map")
    if shown.generated:
        shown = cached_map(folder.name, pdm) or shown
    others = LazyPipelines(folder, device=device, dtype=dtype)
    cards = {method: denoiser_card(folder / method) for method in METHODS}
    seen = {method: card["images_seen"] for method, card in cards.items() if "images_seen" in card}
    return Studio(folder.name, pdm, rdm, shown, classes, others, seen)


def available(assets: Path = ASSETS) -> list[str]:
    """Names of the models under assets/, the default one first."""
    names = sorted(p.name for p in assets.glob("*") if (p / "pdm" / "model_index.json").is_file())
    return sorted(names, key=lambda n: n != "fashion-mnist")


class Library:
    """The models the app offers, each loaded when first asked for and then kept.

    `data`: a folder of data sets named as the models are, or the data set of a single model.
    """

    def __init__(
        self,
        default: str,
        *,
        device: torch.device,
        dtype: torch.dtype,
        assets: Path = ASSETS,
        data: Path | None = None,
    ):
        self.assets, self.device, self.dtype, self.data = assets, device, dtype, data
        self.names = available(assets)
        if default not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names) or 'none here'}, got {default!r}")
        self.default = default
        self._studios: dict[str, Studio] = {}
        self._lock, self._fetching = threading.Lock(), threading.Lock()

    def get(self, name: str | None = None) -> Studio:
        """The named model (the default one without a name); raises ValueError for one that is not offered."""
        name = name or self.default
        if name not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names)}, got {name!r}")
        with self._lock:
            if name not in self._studios:
                self._studios[name] = load_studio(self.assets / name, device=self.device, dtype=self.dtype)
            return self._studios[name]

    def show_given(self, say: Callable[[str, str], None]) -> None:
        """Real images on every map that waits for them, of the data sets in `data`; says what it does for which model.

        A model whose images are not there keeps its pictures, and that is said, too.
        """
        for name in self.names:
            try:
                if self.get(name).map.generated:
                    self.show_real(name, partial(say, name))
            except ValueError as error:
                say(name, f"the map keeps its generated pictures: {error}")

    def show_real(self, name: str, say: Say = lambda message: None) -> Studio:
        """The model with real images on its map, for every visitor from now on. Raises ValueError in one line."""
        self.get(name)
        with self._fetching:  # not the other lock: nobody else waits for a download
            return self._show_real(name, say)

    def _show_real(self, name: str, say: Say = lambda message: None) -> Studio:
        studio, source = self._studios[name], source_of(name, self.data)
        if studio.map.generated:
            if source is None:
                raise ValueError(f"data set: expected the folder with its images (--data), got none for {name!r}")
            made = real_map(name, source, studio.map, studio.pdm, studio.rdm, say)
            self._studios[name] = replace(studio, map=made)
        return self._studios[name]
