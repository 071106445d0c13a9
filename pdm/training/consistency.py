"""How a student learns to see at once what is behind much noise: pairs of points on one line, and their loss.

The lines are those of the images (Geng et al. 2024, "Consistency Models Made Easy"), or a guided teacher's ways.
"""

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

    guidance: float = 1.0  # of the teacher, whose ways the student then follows; at 1 it learns from the images alone
    guided_above: float = 0.0  # the noise level down to which that acts
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


@dataclass(frozen=True)
class Pair:
    """Two points of one way from noise to an image, in batches: `x` (B, C, H, W) at `t` (B,), `earlier` at `r` < t.

    `clean` (B, C, H, W): where the way ends as far as is known, the target where r is 0.
    """

    x: torch.Tensor
    t: torch.Tensor
    earlier: torch.Tensor
    r: torch.Tensor
    clean: torch.Tensor


def of_images(x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, r: torch.Tensor) -> Pair:
    """Images x (B, C, H, W) under one noise at both levels."""
    return Pair(x + level(t) * noise, t, x + level(r) * noise, r, x)


def of_teacher(x: torch.Tensor, t: torch.Tensor, r: torch.Tensor, clean: torch.Tensor) -> Pair:
    """The step from x (B, C, H, W) at t down to r that a teacher takes, which sees `clean` there.

    By DDIM, as in Eq. (8), Luo et al. 2023 ("Latent Consistency Models"), who also guide the teacher.
    """
    return Pair(x, t, clean + level(r / t) * (x - clean), r, clean)


def consistency_loss(
    denoiser: Denoiser, pair: Pair, condition: Condition, huber: float, boundary: float = 0.0
) -> torch.Tensor:
    """Pseudo-Huber distances (B,) between the clean images seen from t and from r; no gradient goes through r's.

    At r = 0 what is clean is known, so that the loss starts as that of a denoiser. The net has no dropout to share.
    `boundary`: see `seen_clean`.
    """
    with torch.no_grad():
        target = seen_clean(denoiser, pair.earlier, pair.r.clamp(min=LOWEST), condition, boundary)
        target = torch.where(level(pair.r) > 0, target, pair.clean)
    seen = seen_clean(denoiser, pair.x, pair.t, condition, boundary)
    c = huber * math.sqrt(seen[0].numel())
    return ((seen - target).square().sum((1, 2, 3)) + c**2).sqrt() - c


def level(sigma: torch.Tensor) -> torch.Tensor:
    """Noise levels (B,) beside images (B, C, H, W)."""
    return sigma[:, None, None, None]


def seen_clean(
    denoiser: Denoiser, x: torch.Tensor, sigma: torch.Tensor, condition: Condition, boundary: float
) -> torch.Tensor:
    """What the net sees behind x (B, C, H, W), which must be x itself where there is no noise, sigma (B,) = 0.

    EDM's preconditioning sees to that. A net that predicts the clean image may answer anything there, and as it learns
    from its own answers they drift to one grey for all: so it is blended with x, half and half at the noise level
    `boundary`. At those that a student paints from, 0.5 and more, a hundredth of x is left.
    """
    skip = level(boundary**2 / (sigma**2 + boundary**2))
    return skip * x + (1 - skip) * denoiser(x, sigma, condition).float()
