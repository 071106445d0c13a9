"""The latents of a training set: encoded once, in a file that is never whole in memory, and the batches of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pdm.config import TrainConfig
from pdm.data import augment
from pdm.data.images import ImageData, to_unit
from pdm.model.latents import LatentSpace, encoded, factor_of
from pdm.support.checks import expect, reason
from pdm.support.files import CACHE_FOLDER, atomic_file, read_json, write_json
from pdm.support.hashing import weights_hash

VERSION = 1  # of the cache
CACHE = CACHE_FOLDER / "latents"
VALUES, STATE = "latents.float16", "latents.json"
CHUNK = 64  # images between two notes of how far it is
LEAST_SCALE = 1e-3  # of a channel that never changes
Report = Callable[[int, int], bool | None]  # images done, of how many; whether to stop here


@dataclass(eq=False)
class LatentImages:
    """Latents of a training set: `values` float16 (N, V, C, h, w), V one for each element of the set's symmetries.

    Half-precision numbers in a file, of which the system reads what is asked for. `space`: their scale, the set's own
    or that of the model that a run starts from; a checkpoint keeps it, so that it stays though the images change.
    """

    values: torch.Tensor
    space: LatentSpace

    def batch(self, rows: torch.Tensor, element: torch.Tensor) -> torch.Tensor:
        """What a net learns from (B, C, h, w): these images, each under an element (B,) of its symmetries."""
        return (self.values[rows.cpu(), element.cpu()].float() - self.space.mean) / self.space.scale

    def owned(self) -> tuple[Any, dict[str, list[float]]]:
        """An autoencoder of its own for a pipeline, and the scale of its latents."""
        return deepcopy(self.space.autoencoder), self.state_dict()

    def state_dict(self) -> dict[str, list[float]]:
        return {"mean": self.space.mean.flatten().tolist(), "scale": self.space.scale.flatten().tolist()}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        self.space = LatentSpace(self.space.autoencoder, **state)


def check_latents(config: TrainConfig, data: ImageData, latents: LatentImages | None) -> LatentImages | None:
    """Raise ValueError where a configuration asks for latents and there are none, or none that fit."""
    if config.latent.autoencoder is None:
        expect("latents", latents, "nothing without an autoencoder in the configuration", latents is None)
        return None
    check_latent(config)
    if latents is None:
        raise ValueError("latents: expected those of the images, as `latent_images` makes them, got none")
    factor = latents.space.factor
    side = f"a multiple of {factor}, the pixels that a latent stands for"
    expect("image_size", config.image_size, side, config.image_size % factor == 0)
    shape = (len(data), augment.ELEMENTS[config.augment], latents.space.channels, *[config.image_size // factor] * 2)
    expect("latents", tuple(latents.values.shape), f"{shape}", tuple(latents.values.shape) == shape)
    return latents


def check_latent(config: TrainConfig) -> None:
    """Raise ValueError for what no net can be trained with on latents: images that move, and the published chain."""
    expect("shift", config.shift, "0 pixels beside an autoencoder, whose latents are made once", config.shift == 0)
    chain = config.diffusion.preconditioning
    expect("preconditioning", chain, "edm or x beside an autoencoder", chain in ("edm", "x"))


def latent_images(
    config: TrainConfig,
    data: ImageData,
    pictures: Callable[[int, int], Iterable[torch.Tensor]],
    autoencoder: Any,
    *,
    scale: dict[str, list[float]] | None = None,
    folder: Path | None = None,
    report: Report = lambda done, of: None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> LatentImages | None:
    """The latents of a data set, from the cache as far as they are there; None where `report` said to stop.

    `pictures(start, n)`: those of `data` from image `start` on, uint8 (up to n, 3, S, S) of the size that is painted.
    `scale`: of a model to start from; without one, that of these latents. `folder`: of the cache. They are encoded on
    `device` in `dtype`. Raises ValueError.
    """
    cache = _Cache(config, data, _copy(autoencoder, device, dtype), folder or CACHE)
    if not cache.fill(pictures, report):
        return None
    values = cache.values()
    known = scale or _scale(values, config.diffusion.sigma_data)
    return LatentImages(values, LatentSpace(autoencoder, **known))


class _Cache:
    """A file of latents named after images, size, symmetries and autoencoder; beside it, how many are done."""

    def __init__(self, config: TrainConfig, data: ImageData, autoencoder: Any, folder: Path):
        self.autoencoder, self.count = autoencoder, len(data)  # as it encodes
        self.elements = augment.ELEMENTS[config.augment]
        weights = next(autoencoder.parameters())
        side = config.image_size // factor_of(autoencoder)
        self.shape = (self.count, self.elements, autoencoder.config.latent_channels, side, side)
        about = {
            "version": VERSION,
            "images": _digest(data),
            "size": config.image_size,
            "augment": config.augment,
            "autoencoder": weights_hash({"autoencoder": autoencoder}),
            "precision": str(weights.dtype),
        }
        self.about = {**about, "shape": list(self.shape)}
        self.folder = folder / hashlib.sha256(json.dumps(self.about).encode()).hexdigest()[:16]

    @property
    def done(self) -> int:
        """How many images are encoded, and on the disk."""
        try:
            state = read_json(self.folder / STATE)
            there = (self.folder / VALUES).stat().st_size == 2 * math.prod(self.shape)
            return state["done"] if there and state["about"] == self.about else 0
        except (OSError, ValueError, KeyError, TypeError):  # none yet, or damaged: it is made again
            return 0

    def fill(self, pictures: Callable[[int, int], Iterable[torch.Tensor]], report: Report) -> bool:
        """Encode what is missing, chunk by chunk; a kill costs one chunk. False where it was told to stop."""
        done = self.done
        if done == self.count:
            return True
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if done == 0:
                self._empty()
            for chunk in pictures(done, CHUNK):
                self._write(done, chunk)
                done += len(chunk)
                write_json(self.folder / STATE, {"about": self.about, "done": done})
                if report(done, self.count) and done < self.count:
                    return False
        except OSError as error:
            raise ValueError(f"{self.folder}: expected room for latents, got: {reason(error)}") from error
        if done != self.count:
            raise ValueError(f"latents: expected {self.count} pictures of the data set, got {done}")
        return True

    def _empty(self) -> None:
        with atomic_file(self.folder / VALUES) as part, part.open("wb") as file:
            file.truncate(2 * math.prod(self.shape))  # takes no room until it is written

    def _write(self, start: int, chunk: torch.Tensor) -> None:
        """uint8 (n, 3, S, S) encoded under each element, to its place in the file."""
        x = to_unit(chunk)
        turned = [augment.under(x, torch.full((len(x),), e)) for e in range(self.elements)]
        latents = torch.stack([encoded(self.autoencoder, each) for each in turned], 1).half()
        if not latents.isfinite().all():
            raise ValueError(f"autoencoder: expected latents that are numbers, got others of images {start} and on")
        with (self.folder / VALUES).open("r+b") as file:
            file.seek(2 * start * math.prod(self.shape[1:]))
            file.write(latents.contiguous().numpy().tobytes())

    def values(self) -> torch.Tensor:
        """All of them, from the file: pages that are not asked for are not in memory."""
        size = math.prod(self.shape)
        return torch.from_file(str(self.folder / VALUES), shared=False, size=size, dtype=torch.half).view(self.shape)


def _copy(autoencoder: Any, device: torch.device | str, dtype: torch.dtype) -> Any:
    """The autoencoder elsewhere and in another precision; its own weights stay."""
    copy = deepcopy(autoencoder).to(device)
    for weights in copy.parameters():
        weights.data = weights.data.to(dtype)
    return copy


def _digest(data: ImageData) -> str:
    """Of the images as features are taken of them, and of how large they were."""
    digest = hashlib.sha256(str((tuple(data.images.shape), data.found and data.found.smallest)).encode())
    for part in data.images.split(1000):
        digest.update(part.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _scale(values: torch.Tensor, spread: float) -> dict[str, list[float]]:
    """What brings each channel (N, V, C, h, w) to mean 0 and a standard deviation of `spread`."""
    total = torch.zeros(2, values.shape[2], dtype=torch.float64)
    for part in _parts(values):
        total += torch.stack([part.sum((0, 1, 3, 4)), part.square().sum((0, 1, 3, 4))])
    mean, square = total / (values.numel() / values.shape[2])
    deviation = (square - mean**2).clamp(min=0).sqrt()
    return {"mean": mean.tolist(), "scale": (deviation / spread).clamp(min=LEAST_SCALE).tolist()}


def _parts(values: torch.Tensor) -> Iterator[torch.Tensor]:
    for start in range(0, len(values), 256):
        yield values[start : start + 256].double()
