"""The models that the app offers: each is loaded from its folder when it is first asked for, and then kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import torch

from pdm.app.studio import Studio
from pdm.app.together import Together
from pdm.map.entries import load_classes
from pdm.map.projection import PrototypeMap, load_map
from pdm.map.real_images import Say, cached_map, real_map, source_of
from pdm.methods import METHODS
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.lazy import LazyPipelines
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.checks import shown
from pdm.support.paths import ASSETS

FRONT_DOOR = "emoji"  # the model that a page opens with, where it is there

Pipeline = TypeVar("Pipeline", PDMPipeline, RDMPipeline)


def load_studio(folder: Path, *, device: torch.device, dtype: torch.dtype) -> Studio:
    """Load assets/<name>, whose map is still being read then. RDM may be missing; a damaged model raises ValueError."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"model {folder.name!r}: expected one of {', '.join(available()) or 'none'}, got no such folder"
        )
    beside = ThreadPoolExecutor(1)  # reading the pictures of the map leaves the other threads alone
    try:
        shipped = beside.submit(load_map, folder / "map")
        rdm, pdm = None, _loaded(PDMPipeline, folder / "pdm", device, dtype)
        if (folder / "rdm").is_dir():
            rdm = _loaded(RDMPipeline, folder / "rdm", device, dtype)
            rdm.memory.to("cpu")  # only denoising belongs on the accelerator
        reading = beside.submit(_shown, shipped, folder.name, pdm)
    finally:
        beside.shutdown(wait=False)
    classes = load_classes(folder / "rdm", len(rdm.memory)) if rdm else None
    others = LazyPipelines(folder, device=device, dtype=dtype)
    cards = {method: denoiser_card(folder / method) for method in METHODS}
    seen = {method: card["images_seen"] for method, card in cards.items() if "images_seen" in card}
    on_cpu = None
    if device.type != "cpu":
        on_cpu = cache(partial(load_studio, folder, device=torch.device("cpu"), dtype=torch.float32))
    together = Together(calls=2 if device.type == "cpu" and torch.get_num_threads() > 1 else 1)
    return Studio(folder.name, pdm, rdm, reading, classes, others, seen, on_cpu, together)


def _shown(shipped: Future[PrototypeMap], name: str, pdm: PDMPipeline) -> PrototypeMap:
    """The map that ships, or the one with real images that was made of it before."""
    shown = shipped.result()
    return (cached_map(name, pdm) or shown) if shown.generated else shown


def _loaded(kind: type[Pipeline], folder: Path, device: torch.device, dtype: torch.dtype) -> Pipeline:
    """The pipeline in a folder that is named as its method; raises ValueError for one of another class."""
    pipeline = load_pipeline(folder, folder.name, device=device, dtype=dtype)
    if not isinstance(pipeline, kind):
        raise ValueError(f"{folder}: expected a {kind.__name__}, got a {type(pipeline).__name__}")
    return pipeline


def models_in(assets: Path) -> tuple[Path, list[str]]:
    """The folder of the models that are meant, and their names: a single model's own folder means that one alone."""
    if _is_model(assets):
        return assets.resolve().parent, [assets.resolve().name]
    return assets, available(assets)


def available(assets: Path = ASSETS) -> list[str]:
    """Names of the models under assets/, the default one first."""
    names = sorted(p.name for p in assets.glob("*") if _is_model(p))
    return sorted(names, key=lambda n: n != FRONT_DOOR)


def _is_model(folder: Path) -> bool:
    return (folder / "pdm" / "model_index.json").is_file()


def first_model(assets: Path = ASSETS) -> str:
    """The model that a page opens with where none is named. Raises ValueError for a folder without models."""
    names = models_in(assets)[1]
    if not names:
        raise ValueError(f"--assets {assets}: expected a folder of models, each with a pdm/ in it, got none there")
    return names[0]


class Library:
    """The models under `assets`, for any number of threads. Raises ValueError where `default` is not among them.

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
        self.device, self.dtype, self.data = device, dtype, data
        self.assets, self.names = models_in(assets)
        if default not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names) or 'none here'}, got {shown(default)}")
        self.default = default
        self._studios: dict[str, Studio] = {}
        self._loading = {name: threading.Lock() for name in self.names}  # a lock each: models wait for no other one
        self._fetching = threading.Lock()

    def get(self, name: str | None = None) -> Studio:
        """The named model (the default one without a name); raises ValueError for one that is not offered.

        The first call loads it, and others for the same model wait for that; nobody waits for another model.
        """
        name = name or self.default
        studio = self.early(name)
        try:
            _ = studio.map
        except ValueError:
            with self._loading[name]:
                self._studios.pop(name, None)  # whoever asks next tries again
            raise
        return studio

    def add(self, name: str) -> None:
        """Offer a model that was put among the others since the app started. Raises ValueError where there is none."""
        if not _is_model(self.assets / name):
            raise ValueError(f"model: expected one in {self.assets}, got {shown(name)}")
        if name not in self.names:
            self._loading[name] = threading.Lock()
            self.names = [*self.names, name]  # another list: who goes through the old one is not disturbed

    def loaded(self, name: object) -> Studio | None:
        """The named model if it is there already: nothing is loaded, and nobody waits."""
        return self._studios.get(name) if isinstance(name, str) else None

    def early(self, name: str) -> Studio:
        """The same as soon as it can paint: its map may still be being read."""
        if name not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names)}, got {shown(name)}")
        if studio := self._studios.get(name):
            return studio
        with self._loading[name]:
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
        with self._fetching:  # not the locks of loading: nobody else waits for a download
            return self._show_real(name, say)

    def _show_real(self, name: str, say: Say = lambda message: None) -> Studio:
        studio, source = self._studios[name], source_of(name, self.data)
        if studio.map.generated:
            if source is None:
                raise ValueError(f"data set: expected the folder with its images (--data), got none for {shown(name)}")
            made = real_map(name, source, studio.map, studio.pdm, studio.rdm, say)
            self._studios[name] = studio.with_map(made)
        return self._studios[name]
