"""Pictures as the latents of an autoencoder: what a net paints there, and the way to it and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

AT_ONCE = 2**18  # pixels that go through an autoencoder together: what bounds its memory, about half a GB
BAND = 64  # rows of latents of a large canvas that are decoded together
REACH = 18  # latents on each side that a decoded pixel of TAESD depends on


class LatentSpace:
    """An autoencoder (diffusers' `AutoencoderTiny`), and what centres and scales its latents to a net's range.

    `mean`, `scale` (C,): a net's number is (latent - mean) / scale. `factor`: pixels a side that a latent stands for.
    """

    def __init__(self, autoencoder: Any, mean: Sequence[float], scale: Sequence[float]):
        self.autoencoder = autoencoder
        self.mean, self.scale = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (mean, scale))

    @property
    def factor(self) -> int:
        return factor_of(self.autoencoder)

    @property
    def channels(self) -> int:
        """Of the latents."""
        return self.autoencoder.config.latent_channels

    @property
    def picture_channels(self) -> int:
        return self.autoencoder.config.in_channels

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] -> what a net paints (B, C, h, w), on the CPU."""
        return (encoded(self.autoencoder, x) - self.mean) / self.scale

    def decode(self, z: torch.Tensor, *, wraps: bool = False) -> torch.Tensor:
        """The inverse, pictures in [-1, 1] on the CPU; `wraps`: those that go on over their edges, without a seam."""
        latents = z.float().cpu() * self.scale + self.mean
        return decoded(self.autoencoder, latents, wraps=wraps)

    def glimpse(self, z: torch.Tensor) -> torch.Tensor:
        """About what `decode` gives, in a quarter of the time: of latents at half their size."""
        if min(z.shape[2:]) < 4 or z.shape[2] % 2 or z.shape[3] % 2:
            return self.decode(z)
        small = self.decode(F.avg_pool2d(z.float(), 2))
        return F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)


def factor_of(autoencoder: Any) -> int:
    """Pixels a side that one latent stands for: each level but the first halves the picture."""
    return 2 ** (len(autoencoder.config.encoder_block_out_channels) - 1)


@torch.no_grad()
def encoded(autoencoder: Any, x: torch.Tensor) -> torch.Tensor:
    """Raw latents, float32 on the CPU, of pictures (B, C, H, W) in [-1, 1], some at a time."""
    weights = next(autoencoder.parameters())
    parts = x.split(max(1, AT_ONCE // (x.shape[2] * x.shape[3])))
    return torch.cat([autoencoder.encode(part.to(weights)).latents.float().cpu() for part in parts])


@torch.no_grad()
def decoded(autoencoder: Any, latents: torch.Tensor, *, wraps: bool = False) -> torch.Tensor:
    """Pictures in [-1, 1], float32 on the CPU, of raw latents (B, C, h, w), some at a time, large ones in bands."""
    factor = factor_of(autoencoder)
    if wraps:
        latents = F.pad(latents, (REACH,) * 4, mode="circular") if min(latents.shape[2:]) >= REACH else _tiled(latents)
    parts = latents.split(max(1, AT_ONCE // (latents.shape[2] * latents.shape[3] * factor**2)))
    pictures = torch.cat([_in_bands(autoencoder, part, factor) for part in parts])
    if wraps:
        edge = REACH * factor
        pictures = pictures[..., edge:-edge, edge:-edge]
    return pictures


def _tiled(latents: torch.Tensor) -> torch.Tensor:
    """`F.pad` goes round a picture once at most: a small one is laid beside itself first."""
    height, width = latents.shape[2:]
    rows = torch.arange(-REACH, height + REACH) % height
    columns = torch.arange(-REACH, width + REACH) % width
    return latents[..., rows[:, None], columns]


def _in_bands(autoencoder: Any, latents: torch.Tensor, factor: int) -> torch.Tensor:
    """Pictures of latents; one of more pixels than go through at once in bands, each with what its edges depend on."""
    height, width = latents.shape[2:]
    if height * width * factor**2 <= AT_ONCE or height <= BAND:
        return _through(autoencoder, latents)
    parts = []
    for top in range(0, height, BAND):
        bottom, above = min(top + BAND, height), max(0, top - REACH)
        band = _through(autoencoder, latents[:, :, above : min(bottom + REACH, height)])
        parts.append(band[:, :, (top - above) * factor : (bottom - above) * factor])
    return torch.cat(parts, 2)


def _through(autoencoder: Any, latents: torch.Tensor) -> torch.Tensor:
    weights = next(autoencoder.parameters())
    z = latents.to(weights)
    if weights.dtype != torch.float32:  # half as long so; in float32 a little longer
        autoencoder.decoder.to(memory_format=torch.channels_last)
        z = z.contiguous(memory_format=torch.channels_last)
    return autoencoder.decode(z).sample.float().clamp(-1, 1).cpu().contiguous()
