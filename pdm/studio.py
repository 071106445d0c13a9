"""A model as the app uses it: both pipelines, the map, and each prototype's name, hue and picture. Never changed."""

from __future__ import annotations

import colorsys
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from PIL import Image

from pdm.data import to_pil, to_unit
from pdm.loading import ASSETS, load_pipeline
from pdm.pipeline import PDMPipeline, RDMPipeline
from pdm.projection import PrototypeMap, load_map

TITLES = {"fashion-mnist": "Fashion-MNIST", "eurosat": "EuroSAT", "cifar10": "CIFAR-10"}


@dataclass(frozen=True)
class Studio:
    """`name` is the folder's; `pdm`, `rdm` and `map` come from it (design: assets/<name>/{pdm,rdm,map})."""

    name: str
    pdm: PDMPipeline
    rdm: RDMPipeline | None
    map: PrototypeMap

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name)

    @property
    def count(self) -> int:
        return self.pdm.bank.count

    @property
    def methods(self) -> tuple[str, ...]:
        return ("pdm", "rdm", "unconditional") if self.rdm else ("pdm", "unconditional")

    @property
    def max_steps(self) -> int:
        """1000 for the published chain, where every step is needed; 100 elsewhere."""
        return 1000 if self.pdm.denoiser.config.preconditioning == "vp" else 100

    @cached_property
    def names(self) -> list[str]:
        return self.pdm.bank.names

    @cached_property
    def usage(self) -> list[float]:
        """Share of the training set per prototype."""
        return self.pdm.bank.usage.tolist()

    @cached_property
    def order(self) -> list[int]:
        """Prototype ids by class, the most used first: the order of every list of prototypes."""
        majority = self.pdm.bank.class_counts.argmax(1).tolist()
        return sorted(range(self.count), key=lambda k: (majority[k], -self.usage[k]))

    @cached_property
    def colours(self) -> list[str]:
        """One colour (#rrggbb) per prototype; neighbours in `order`, so of one class, are close in hue."""
        colours = [""] * self.count
        for rank, k in enumerate(self.order):
            colours[k] = _colour(rank / self.count, 0.55 if rank % 2 else 0.48)
        return colours

    @cached_property
    def class_colours(self) -> list[str]:
        total = max(1, len(self.map.class_names))
        return [_colour(c / total, 0.52) for c in range(total)]

    @cached_property
    def vectors(self) -> torch.Tensor:
        return self.pdm.bank.vectors.detach().float().cpu()

    @cached_property
    def nearest_prototype(self) -> torch.Tensor:
        """The prototype (N,) of each image of the map."""
        return torch.cdist(self.map.features, self.vectors).argmin(1)

    @cached_property
    def prototype_xy(self) -> torch.Tensor:
        """Where the prototypes lie on the map (K, 2)."""
        return self.map.place(self.vectors)

    @cached_property
    def covers(self) -> list[int]:
        """The map image nearest to each prototype: the picture it is shown by."""
        return self.map.nearest(self.vectors, 1)[0][:, 0].tolist()

    def class_of(self, image_id: int) -> str:
        label = int(self.map.labels[image_id])
        return self.map.class_names[label] if 0 <= label < len(self.map.class_names) else "no label"

    def picture(self, image_id: int) -> Image.Image:
        return to_pil(self.map.images[image_id])

    def check_prototypes(self, ids: list[int]) -> list[int]:
        """Ids that exist; raises ValueError otherwise. Everything a client sends goes through this."""
        for k in ids:
            if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < self.count:
                raise ValueError(f"prototypes: expected whole numbers from 0 to {self.count - 1}, got {k!r}")
        return ids

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
    return Studio(folder.name, pdm, rdm, load_map(folder / "map"))


def available(assets: Path = ASSETS) -> list[str]:
    """Names of the models under assets/, the default one first."""
    names = sorted(p.name for p in assets.glob("*") if (p / "pdm" / "model_index.json").is_file())
    return sorted(names, key=lambda n: n != "fashion-mnist")


def _colour(hue: float, lightness: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


class Library:
    """The models the app offers, each loaded when first asked for and then kept."""

    def __init__(self, default: str, *, device: torch.device, dtype: torch.dtype, assets: Path = ASSETS):
        self.assets, self.device, self.dtype = assets, device, dtype
        self.names = available(assets)
        if default not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names) or 'none here'}, got {default!r}")
        self.default = default
        self._studios: dict[str, Studio] = {}
        self._lock = threading.Lock()

    def get(self, name: str | None = None) -> Studio:
        """The named model (the default one without a name); raises ValueError for one that is not offered."""
        name = name or self.default
        if name not in self.names:
            raise ValueError(f"model: expected one of {', '.join(self.names)}, got {name!r}")
        with self._lock:
            if name not in self._studios:
                self._studios[name] = load_studio(self.assets / name, device=self.device, dtype=self.dtype)
            return self._studios[name]
