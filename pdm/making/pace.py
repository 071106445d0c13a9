"""How fast this device learns what is planned: a few seconds of the real steps, on the real images."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pdm.config import TrainConfig
from pdm.data.again import Again
from pdm.data.images import ImageData
from pdm.evaluation.featurenet import train_classifier
from pdm.model.encoders import train_static_encoder
from pdm.pipelines.card import device_name
from pdm.support.device import fastest_dtype
from pdm.training.encoding import autoencoding
from pdm.training.latents import LatentImages, latent_images
from pdm.training.shown import Bars
from pdm.training.train import Trainer

SECONDS = 10.0
SHARES = (0.6, 0.4)  # of them for the denoiser, and for the prototypes
FEWEST = 2  # steps that are timed, however slow they are
CLASSIFIED = 256  # images of the classifier's two steps
ENCODED = 16  # images that are encoded, and decoded


@dataclass(frozen=True)
class Pace:
    """Seconds that a step takes: of the prototypes (or RDM's encoder), and for an image of denoiser and classifier.

    `encoded` and `decoded`: of an image by the autoencoder, 0 in pixels.
    """

    device: str
    parameters: int  # of the denoiser
    prototype_step: float
    image: float
    encoder_step: float = 0.0
    classifier_image: float = 0.0
    encoded: float = 0.0
    decoded: float = 0.0


def measure(
    config: TrainConfig,
    data: ImageData,
    *,
    baseline: bool,
    labelled: bool,
    cpu: bool,
    seconds: float = SECONDS,
    source: str = "",
) -> Pace:
    """Time the steps of a run of this configuration, which leaves nothing behind.

    `source`: what `data` was read from.
    """
    with tempfile.TemporaryDirectory() as folder:
        latents, encode, decode = _latents(config, data, source, Path(folder), cpu)
        trainer = Trainer(config, data, Path(folder), cpu=cpu, latents=latents)
        trainer.shown = Bars(silent=True)
        alone = _each(lambda: _prototype_step(trainer), SHARES[1] * seconds)
        batch = _each(lambda: float(trainer.train_step()), SHARES[0] * seconds)
    memory, encoder = config.memory, 0.0
    if baseline:
        images, width, views = min(memory.encoder_batch, len(data)), memory.encoder_width, memory.views
        rows = data.images[: 2 * images]
        encoder = _each(
            lambda: train_static_encoder(
                rows, dim=memory.encoder_dim, steps=1, batch=images, width=width, symmetry=config.augment, views=views
            ),
            SHARES[1] * seconds,
        )
    part = data.subset(slice(CLASSIFIED))
    classified = _each(lambda: train_classifier(part, epochs=1), 0.0) / len(part) if labelled else 0.0
    return Pace(
        device_name(trainer.accelerator.device),
        sum(p.numel() for p in trainer.denoiser.parameters()),
        alone,
        batch / config.optim.batch_size,
        encoder,
        classified,
        encode,
        decode,
    )


def _latents(
    config: TrainConfig, data: ImageData, source: str, folder: Path, cpu: bool
) -> tuple[LatentImages | None, float, float]:
    """What stands for the latents of all images, and the seconds that one of them takes to and from latents."""
    found = autoencoding(config)
    if found is None:
        return None, 0.0, 0.0
    part = data.subset(slice(ENCODED))
    device = torch.device("cuda" if torch.cuda.is_available() and not cpu else "cpu")
    begun = time.perf_counter()
    pictures = Again(source, part, config.image_size).batches
    made = latent_images(
        config, part, pictures, found.autoencoder, folder=folder, device=device, dtype=fastest_dtype(device)
    )
    encode = (time.perf_counter() - begun) / len(part)
    assert made is not None
    few = made.batch(torch.arange(len(part)), torch.zeros(len(part), dtype=torch.long))
    decode = _each(lambda: made.space.decode(few), 0.0) / len(part)
    return LatentImages(made.values[:1].expand(len(data), *made.values.shape[1:]), made.space), encode, decode


def _prototype_step(trainer: Trainer) -> None:
    """One step of the prototypes alone; asked to pause after it, the source goes on at the next call."""
    trainer.source.prepare(lambda *said: None, lambda: trainer.accelerator.autocast(), lambda: True)


def _each(run: Callable[[], object], seconds: float) -> float:
    """The median of the seconds that a run takes, of all that fit and at least two, after one to warm up."""
    run()
    taken: list[float] = []
    until = time.monotonic() + seconds
    while len(taken) < FEWEST or time.monotonic() < until:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
