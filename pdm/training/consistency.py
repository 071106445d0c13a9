"""Consistency tuning (Geng et al. 2024, "Consistency Models Made Easy"): its pairs of noise levels and its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser

BOUNDARY = 0.05  # of nets that predict the clean image: the level at which half of what they see passes for clean
LOWEST = 1e-4  # the net takes the logarithm of sigma, so r = 0 is replaced by this; the answer is then not used


@dataclass(frozen=True)
class ConsistencyConfig:
    """The schedule of the pairs r < t and the loss, with the paper's names and, but for `stages`, its values.

    The paper ends at r/t = 1 - n(t) / 256. This ends at 1/64: in bfloat16 a prediction is off by 0.0024 a pixel, the
    two of a pair differ by 0.01 at t = 1 there and by only 0.003 at 1/256, and 1,500 steps come no further anyway.
    """

    q: float = 2.0
    stages: int = 6  # of equal length; the gap between r and t shrinks q-fold in each
    k: float = 8.0
    b: float = 1.0
    huber: float = 0.00054  # c / sqrt(d) of the pseudo-Huber distance in d dimensions

    def __post_init__(self):
        if not (self.q > 1 and self.stages >= 1 and self.huber > 0):
            raise ValueError(
                "consistency: expected q above 1, stages of at least 1 and huber above 0, "
                f"got {self.q}, {self.stages} and {self.huber}"
            )


def stage(config: ConsistencyConfig, progress: float) -> int:
    """a = ceil(iterations / d), from 1 to `stages`, at a share of the run."""
    return 1 + min(int(progress * config.stages), config.stages - 1)


def earlier(config: ConsistencyConfig, t: torch.Tensor, a: int) -> torch.Tensor:
    """The noise levels r (B,) that t (B,) are paired with in stage a: r/t = 1 - n(t) / q^a, at least 0.

    n(t) = 1 + k sigmoid(-b t): "Mapping function", section 3, Geng et al. 2024.
    """
    n = 1 + config.k * torch.sigmoid(-config.b * t)
    return t * (1 - n / config.q**a).clamp(min=0)


def consistency_loss(
    denoiser: Denoiser,
    x: torch.Tensor,
    noise: torch.Tensor,
    t: torch.Tensor,
    r: torch.Tensor,
    condition: Condition,
    huber: float,
    boundary: float = 0.0,
) -> torch.Tensor:
    """Pseudo-Huber distance between the clean images seen from t and from r, over t - r; no gradient goes through r's.

    x, noise: (B, C, H, W); t, r: (B,). Both points lie on one line, x plus a multiple of the same noise; at r = 0
    the clean image is x itself, so that the loss starts as that of a denoiser. The net has no dropout to share.
    `boundary`: see `seen_clean`.
    """
    level = lambda sigma: sigma[:, None, None, None]  # noqa: E731
    with torch.no_grad():
        target = seen_clean(denoiser, x + level(r) * noise, r.clamp(min=LOWEST), condition, boundary)
        target = torch.where(level(r) > 0, target, x)
    seen = seen_clean(denoiser, x + level(t) * noise, t, condition, boundary)
    c = huber * math.sqrt(x[0].numel())
    distance = ((seen - target).square().sum((1, 2, 3)) + c**2).sqrt() - c
    return (distance / (t - r)).mean()


def seen_clean(
    denoiser: Denoiser, x: torch.Tensor, sigma: torch.Tensor, condition: Condition, boundary: float
) -> torch.Tensor:
    """What the net sees behind x (B, C, H, W), which must be x itself where there is no noise, sigma (B,) = 0.

    EDM's preconditioning sees to that. A net that predicts the clean image may answer anything there, and as it learns
    from its own answers they drift to one grey for all: so it is blended with x, half and half at the noise level
    `boundary`. At those that a student paints from, 0.5 and more, a hundredth of x is left.
    """
    skip = (boundary**2 / (sigma**2 + boundary**2))[:, None, None, None]
    return skip * x + (1 - skip) * denoiser(x, sigma, condition).float()
