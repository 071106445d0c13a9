"""f_phi: a small convolutional encoder from a clean image to a feature z (PDM, Sec. 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

LEAST_ENERGY = 1e-3  # of a plain picture


class ConvEncoder(nn.Module):
    """(B, C, H, W) in [-1, 1] -> (B, dim). Four strided stages, so a 32 px image costs about 9 MFLOP x 2.

    `energies`: the head also sees how strongly the first filters answer, by which textures differ; the normalisation
    after them takes it away.
    """

    def __init__(self, channels: int, dim: int, width: int = 32, energies: bool = False):
        super().__init__()
        self.energies = energies
        widths = (width, 2 * width, 4 * width, 4 * width)
        stages: list[nn.Module] = []
        previous = channels
        for i, w in enumerate(widths):
            stages += [nn.Conv2d(previous, w, 5 if i == 0 else 3, stride=2, padding=2 if i == 0 else 1)]
            stages += [nn.GroupNorm(8, w), nn.SiLU()]
            if i in (1, 2):  # one more look at the middle resolutions
                stages += [nn.Conv2d(w, w, 3, padding=1), nn.GroupNorm(8, w), nn.SiLU()]
            previous = w
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(previous * 2 + width * energies, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answers = self.stages[0](x)
        h = self.stages[1:](answers)  # (B, 4W, H/16, W/16)
        pooled = [h.mean((2, 3)), h.amax((2, 3))]
        if self.energies:
            pooled.append((answers.float().abs().mean((2, 3)) + LEAST_ENERGY).log())
        return self.head(torch.cat(pooled, 1))


def fitted(x: torch.Tensor, size: int) -> torch.Tensor:
    """Pictures (B, C, H, W) made as small as an encoder looks at them, where they are larger."""
    if x.shape[-1] <= size:
        return x
    return F.interpolate(x, size=(size, size), mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)


def unit(z: torch.Tensor) -> torch.Tensor:
    """Project features onto the unit sphere, where Euclidean and cosine order agree."""
    return F.normalize(z, dim=-1)


def contrastive_loss(z1: torch.Tensor, z2: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """NT-Xent (Chen et al. 2020, Eq. 1): each view finds its twin among the 2B - 1 others. z1, z2: unit (B, E)."""
    z = torch.cat([z1, z2])
    logits = z @ z.T / temperature
    logits.fill_diagonal_(float("-inf"))
    n = len(z1)
    return F.cross_entropy(logits, torch.arange(2 * n, device=z.device).roll(n))
