"""Random views of image batches, on whatever device they are on. Randomness is an argument."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def _uniform(n: int, low: float, high: float, generator: torch.Generator, device) -> torch.Tensor:
    return torch.rand(n, generator=generator).mul(high - low).add(low).to(device)


def view(x: torch.Tensor, generator: torch.Generator, symmetry: str = "none") -> torch.Tensor:
    """One random view of each image: small rotation, zoom and shift, then contrast, brightness and noise.

    x: float (B, C, H, W) in [-1, 1]. `symmetry` "flip" or "d4" adds the symmetries the data has.
    """
    n = len(x)
    x = symmetric(x, generator, symmetry)
    angle = _uniform(n, -0.2, 0.2, generator, x.device)
    zoom = _uniform(n, 0.8, 1.15, generator, x.device)
    shift = torch.stack([_uniform(n, -0.12, 0.12, generator, x.device) for _ in range(2)], 1)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # (B, 2, 2)
    theta = torch.cat([theta, shift[:, :, None]], 2)  # (B, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    contrast = _uniform(n, 0.7, 1.3, generator, x.device)[:, None, None, None]
    brightness = _uniform(n, -0.15, 0.15, generator, x.device)[:, None, None, None]
    x = (x + 1) * contrast - 1 + brightness
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    return (x + 0.05 * noise).clamp(-1, 1)


def symmetric(x: torch.Tensor, generator: torch.Generator, symmetry: str) -> torch.Tensor:
    """Each image under a random element of the group: "none", "flip" (mirror) or "d4" (the eight of the square)."""
    if symmetry == "none":
        return x
    if symmetry not in ("flip", "d4"):
        raise ValueError(f"augment: expected 'none', 'flip' or 'd4', got {symmetry!r}")
    coin = torch.rand(3, len(x), generator=generator).to(x.device)[:, :, None, None, None] < 0.5
    x = torch.where(coin[0], x.flip(3), x)
    if symmetry == "d4":
        x = torch.where(coin[1], x.flip(2), x)
        x = torch.where(coin[2], x.transpose(2, 3), x)
    return x
