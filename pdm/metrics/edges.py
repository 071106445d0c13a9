"""How much of a picture's composition another one has: whether their edges lie in the same places."""

from __future__ import annotations

import torch
import torch.nn.functional as F

SOBEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def edges(images: torch.Tensor) -> torch.Tensor:
    """The magnitude of Sobel's gradient of the mean over channels: (B, C, H, W) of any range -> (B, H, W)."""
    grey = F.pad(images.float().mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    return F.conv2d(grey, torch.stack([SOBEL, SOBEL.T])[:, None]).norm(dim=1)


def edge_correlation(images: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of the edges of each pair (B,), both (B, C, H, W); 0 where a picture has no edges."""
    a, b = (edges(x).flatten(1) for x in (images, others))
    a, b = (x - x.mean(1, keepdim=True) for x in (a, b))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-9)


def peak_signal_to_noise(images: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """PSNR in dB of each pair (B,) of uint8 pictures (B, C, H, W); 60 dB at most, more than eight bits can show."""
    error = (images.float() - others.float()).square().flatten(1).mean(1)
    return 10 * torch.log10(255**2 / error.clamp(min=255**2 * 1e-6))
