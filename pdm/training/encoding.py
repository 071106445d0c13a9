"""From a data set and a configuration to the latents that its net learns from: read again in full, and encoded once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from tqdm.auto import tqdm

from pdm.config import TrainConfig
from pdm.data.again import Again
from pdm.data.images import ImageData
from pdm.pipelines.autoencoder import load_autoencoder
from pdm.pipelines.loading import load_pipeline
from pdm.support.device import fastest_dtype
from pdm.support.hashing import weights_hash
from pdm.training.latents import LatentImages, check_latent, latent_images

Config = TypeVar("Config", bound=TrainConfig)


@dataclass(frozen=True)
class Autoencoding:
    """An autoencoder, and the scale of its latents where a model to start from has one."""

    autoencoder: Any
    scale: dict[str, list[float]] | None = None


def autoencoding(config: TrainConfig) -> Autoencoding | None:
    """That of the model which a run starts from, or the one that its configuration names; None for pixels.

    Raises ValueError where it cannot be had, and for a configuration that cannot be trained with one.
    """
    if config.latent.autoencoder is None:
        return None
    check_latent(config)
    if config.start is None:
        return Autoencoding(load_autoencoder(config.latent.autoencoder))
    pipeline = load_pipeline(config.start, config.method)
    if pipeline.space is None:
        raise ValueError(f"model to start from: expected one with an autoencoder, got one of pixels in {config.start}")
    return Autoencoding(pipeline.autoencoder, dict(pipeline.config.latents))


def with_latents(
    config: Config,
    data: ImageData,
    source: str,
    found: Autoencoding | None,
    *,
    cpu: bool = False,
    max_minutes: float = float("inf"),
    shown: Callable[[int, int], None] | None = None,
) -> tuple[Config, LatentImages | None, float]:
    """The configuration with the autoencoder's digest, the latents of its images, and the minutes that are left.

    `source`: what `data` was read from; `found`: its `autoencoding`; `shown`: who shows how far it is, where it isn't a
    bar. Configurations of pixels come back as they are,
    without latents. Where the time is up there are none either; another call goes on. Processes that were launched
    together wait for the first one.
    """
    if found is None:
        return config, None, max_minutes
    started = time.monotonic()
    digest = weights_hash({"autoencoder": found.autoencoder})
    again = Again(source, data, config.image_size)
    processes = PartialState(cpu=cpu)
    bar = tqdm(total=len(data), desc="latents", unit="img", disable=shown is not None)
    with processes.local_main_process_first(), bar:

        def report(done: int, of: int) -> bool:
            bar.update(done - bar.n)
            if shown is not None:
                shown(done, of)
            return (time.monotonic() - started) / 60 >= max_minutes

        device = torch.device("cpu") if processes.device is None else processes.device
        latents = latent_images(
            config,
            data,
            again.batches,
            found.autoencoder,
            scale=found.scale,
            report=report,
            device=device,
            dtype=fastest_dtype(device),
        )
    left = max(max_minutes - (time.monotonic() - started) / 60, 0.01)
    return replace(config, latent=replace(config.latent, digest=digest)), latents, left
