"""A tiny random autoencoder, data in colour, and pipelines that paint its latents: 32 px pictures of 8 x 8 latents."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pdm.config import NETS, DiffusionConfig, LatentConfig, TrainConfig
from pdm.data.images import ImageData, to_pil
from pdm.model.denoiser import build_denoiser
from pdm.model.encoders import StaticEncoder, embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.retrieval.memory import Memory
from pdm.sampling.solvers import make_scheduler
from tests.tiny import DIM, SIZE, banded, tiny_config

SIDE, FACTOR = 32, 4
SCALE = {"mean": [0.1, 0.0, -0.1, 0.05], "scale": [0.5, 1.0, 0.8, 1.2]}


def tiny_autoencoder(seed: int = 0, latent_channels: int = 4) -> Any:
    """Random, with three levels, so that a latent stands for 4 x 4 pixels."""
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    torch.manual_seed(seed)
    levels: dict[str, Any] = {
        "encoder_block_out_channels": (8, 8, 8),
        "decoder_block_out_channels": (8, 8, 8),
        "num_encoder_blocks": (1, 1, 1),
        "num_decoder_blocks": (1, 1, 1),
    }
    return AutoencoderTiny(latent_channels=latent_channels, **levels).eval().requires_grad_(False)


def latent_denoiser(seed: int = 0):
    torch.manual_seed(seed)
    net = build_denoiser(NETS["tiny"], DiffusionConfig(), channels=4, size=SIDE // FACTOR, token_dim=DIM)
    with torch.no_grad():
        net.null_token.normal_()
    return net.eval().requires_grad_(False)


def latent_pdm(student: bool = False) -> PDMPipeline:
    """Its f_phi looks at pictures of 16 px."""
    data = banded(channels=3, size=SIZE)
    torch.manual_seed(3)
    bank = PrototypeBank(channels=3, image_size=SIZE, count=8, dim=DIM, class_names=data.class_names).eval()
    z = embed_all(bank.encode, data.images).detach()
    with torch.no_grad():
        bank.vectors.copy_(z[:8])
    bank.record(z, data.labels, torch.Generator().manual_seed(0))
    beside = latent_denoiser(5) if student else None
    pipeline = PDMPipeline(
        latent_denoiser(), bank, make_scheduler(), beside, autoencoder=tiny_autoencoder(), latents=SCALE
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def latent_rdm() -> RDMPipeline:
    data = banded(channels=3, size=SIZE)
    torch.manual_seed(4)
    encoder = StaticEncoder(channels=3, dim=DIM, image_size=SIZE).eval()
    memory = Memory.build(embed_all(encoder.embed, data.images), torch.arange(len(data)))
    pipeline = RDMPipeline(
        latent_denoiser(), memory, make_scheduler(), encoder, autoencoder=tiny_autoencoder(), latents=SCALE
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def latent_config(method: str = "pdm", **changes) -> TrainConfig:
    """Six steps of eight pictures of 32 px, whose features are of 16 px."""
    latent = LatentConfig(autoencoder="tiny", features=SIZE)
    return replace(tiny_config(method, image_size=SIDE, augment="flip", latent=latent), **changes)


def saved_autoencoder(folder: Path, **options) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny_autoencoder(**options).save_pretrained(folder)
    return folder


def colour_folders(folder: Path, per_class: int = 6, seed: int = 0) -> Path:
    """Class folders of pictures of 40 px in colour."""
    data = banded(per_class, channels=3, size=40, seed=seed)
    for i, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        path = folder / data.class_names[label] / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        to_pil(image).save(path)
    return folder


def pictures_of(data: ImageData):
    """What stands for reading `data` again in full size: its pictures enlarged. Counts what was asked for."""
    asked: list[int] = []

    def batches(start: int, size: int):
        for i in range(start, len(data), size):
            asked.append(i)
            yield data.images[i : i + size].repeat_interleave(2, 2).repeat_interleave(2, 3)

    return batches, asked
