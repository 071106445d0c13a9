"""Variations: noise turned by an angle towards other noise, which paints a picture near the first one."""

from __future__ import annotations

import math

import torch


def turned(noise: torch.Tensor, fresh: torch.Tensor, degrees: float) -> torch.Tensor:
    """Noise (B, C, H, W) turned towards fresh noise on a sphere: 0 degrees is itself, 90 has nothing of it any more.

    Noise of a picture is shorter than drawn noise: the more of this comes in, the more the length is its own. What was
    turned can be turned again.
    """
    if degrees == 0:
        return noise
    flat, other = noise.flatten(1), fresh.flatten(1)
    along = (flat * other).sum(1, keepdim=True) / flat.square().sum(1, keepdim=True).clamp(min=1e-12)
    across = other - along * flat  # nothing of the noise is in it, whatever was drawn
    across = across * (other.norm(dim=1, keepdim=True) / across.norm(dim=1, keepdim=True).clamp(min=1e-12))
    angle = math.radians(degrees)
    return (math.cos(angle) * flat + math.sin(angle) * across).reshape(noise.shape)
