"""Tiny data, nets and configurations for the tests; everything made here takes milliseconds."""

from __future__ import annotations

from dataclasses import replace

import torch

from pdm.config import NETS, DiffusionConfig, MemoryConfig, OptimConfig, PrototypeConfig, TrainConfig
from pdm.data.images import ImageData
from pdm.evaluation.featurenet import FeatureNet
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser, build_denoiser

SIZE, DIM = 16, 16
CLASSES = ("top", "bottom", "left", "right")


def banded(per_class: int = 24, channels: int = 1, size: int = SIZE, seed: int = 0) -> ImageData:
    """Pictures with a bright band at one of the four edges, and noise; in mixed order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(4).repeat(per_class)
    pictures = torch.full((len(labels), channels, size, size), 40.0)
    band = size // 4
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        where = [(slice(0, band), slice(None)), (slice(-band, None), slice(None))]
        where += [(slice(None), slice(0, band)), (slice(None), slice(-band, None))]
        picture[(slice(None), *where[label])] = 220.0
    pictures += 12 * torch.randn(pictures.shape, generator=generator)
    order = torch.randperm(len(labels), generator=generator)
    return ImageData("banded", pictures.clamp(0, 255).to(torch.uint8)[order], labels[order], CLASSES)


def strokes(count: int = 160, size: int = SIZE, seed: int = 2) -> ImageData:
    """Bright strokes at any angle and place: no classes, but more kinds than a few prototypes can exhaust."""
    generator = torch.Generator().manual_seed(seed)
    angle = torch.rand(count, 1, 1, generator=generator) * torch.pi
    offset = torch.rand(count, 1, 1, generator=generator) - 0.5
    y, x = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    inside = (x * angle.cos() + y * angle.sin() - offset).abs() < 0.25
    return ImageData("strokes", (255 * inside).to(torch.uint8)[:, None], torch.full((count,), -1), ())


def tiny_denoiser(seed: int = 0, preconditioning: str = "edm", channels: int = 1, **options) -> Denoiser:
    """A random denoiser whose null token is not zero, so that null rows differ from zero tokens."""
    torch.manual_seed(seed)
    diffusion = DiffusionConfig(preconditioning=preconditioning, **options)
    denoiser = build_denoiser(NETS["tiny"], diffusion, channels=channels, size=SIZE, token_dim=DIM)
    with torch.no_grad():
        denoiser.null_token.normal_()
    return denoiser.eval().requires_grad_(False)


def tiny_feature_net(seed: int = 0, dim: int = 8) -> FeatureNet:
    """A random classifier with features of few dimensions, so that few samples are enough."""
    torch.manual_seed(seed)
    return FeatureNet("tiny-classifier", channels=1, classes=4, dim=dim, width=8).eval().requires_grad_(False)


def tiny_config(method: str = "pdm", **changes) -> TrainConfig:
    """A run of six steps of eight images."""
    config = TrainConfig(
        "tiny",
        NETS["tiny"],
        PrototypeConfig(count=8, dim=DIM, warmup_steps=3, warmup_batch=32, frozen_from=0.5),
        MemoryConfig(entries=64, encoder_steps=3, encoder_batch=32, encoder_dim=DIM),
        DiffusionConfig(),
        OptimConfig(images=48, batch_size=8, warmup_images=16),
        method=method,
        image_size=SIZE,
        precision="no",
    )
    return replace(config, **changes)


def random_condition(batch: int, tokens: int = 3, seed: int = 0) -> Condition:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(batch, tokens, generator=generator) + 0.1
    return Condition(
        torch.randn(batch, tokens, DIM, generator=generator),
        weights / weights.sum(1, keepdim=True),
        torch.arange(tokens).repeat(batch, 1),
        torch.zeros(batch, dtype=torch.bool),
    )


def seeds(*values: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(v) for v in values]


class GaussianDenoiser:
    """The exact D(x; sigma) where every pixel is N(mean, std^2); it notes the sigmas and inputs it was asked about.

    Its probability-flow ODE has the closed form x(sigma) = mean + (x0 - mean) sqrt(std^2 + sigma^2) / const.
    """

    def __init__(self, mean: float = 0.3, std: float = 0.5, null_mean: float | None = None):
        self.mean, self.std, self.null_mean = mean, std, mean if null_mean is None else null_mean
        self.asked: list[tuple[float, torch.Tensor]] = []

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        self.asked.append((float(sigma[0]), x.clone()))
        s2 = (sigma**2)[:, None, None, None]
        mean = torch.where(condition.is_null, self.null_mean, self.mean)[:, None, None, None]
        return (self.std**2 * x + s2 * mean) / (self.std**2 + s2)

    def ode_end(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """Where the exact flow takes x at noise level sigma when the level reaches 0."""
        return self.mean + (x - self.mean) * self.std / (self.std**2 + sigma**2) ** 0.5
