"""Why a picture looks as it does: which prototype each pixel attended to, step by step, and the picture as it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pdm.data.images import to_bytes
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser
from pdm.model.guided import Guided
from pdm.sampling.solvers import ALWAYS, Interval, Others, Scheduler, denoise
from pdm.sampling.student import sample_student


@dataclass(frozen=True)
class Explanation:
    """For S steps and M tokens: `attention` (S, M, H, W), which sums to 1 over the tokens of a pixel; `timeline` uint8
    (S, C, H, W), the clean picture expected after each step; `ids` and `weights` (M,) of the tokens.
    """

    attention: torch.Tensor
    timeline: torch.Tensor
    ids: list[int]
    weights: list[float]

    def mean(self) -> torch.Tensor:
        """Attention over all steps (M, H, W)."""
        return self.attention.mean(0)


class _Recorded:
    """A denoiser that keeps what its conditional branch attended to in each call."""

    def __init__(self, denoiser: Denoiser | Guided):
        self.denoiser, self.calls = denoiser, []

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        record: list[torch.Tensor] = []
        clean = self.denoiser(x, sigma, condition, record)
        self.calls.append(_on_pixels([shares[:1] for shares in record], x.shape[-1]))
        return clean


def _on_pixels(layers: list[torch.Tensor], side: int) -> torch.Tensor:
    """Shares of several layers, each (1, h * h, M) -> their mean on the picture's pixels (M, side, side)."""
    maps = []
    for shares in layers:
        h = round(shares.shape[1] ** 0.5)
        grid = shares[0].T.unflatten(1, (h, h))[None]  # (1, M, h, h)
        maps.append(F.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False)[0])
    return torch.stack(maps).mean(0)


@torch.no_grad()
def explain(
    denoiser: Denoiser | Guided,
    condition: Condition,
    noise: torch.Tensor,
    generator: torch.Generator,
    *,
    steps: int,
    guidance_scale: float | torch.Tensor = 1.0,
    guidance_interval: Interval = ALWAYS,
    scheduler: Scheduler | None,
    others: Others = (),
    pictures: Callable[[torch.Tensor], torch.Tensor] = to_bytes,
) -> Explanation:
    """Make one picture again, from its condition (one row) and noise (1, C, H, W), and note what it attended to.

    A picture made from a single prototype has one token, and every pixel attends to that. Without a scheduler
    the denoiser is a pipeline's student. `others`: conditions beside it, see `pdm.sampling.solvers.guided`. `pictures`
    makes uint8 ones of what the net paints.
    """
    if len(condition) != 1 or len(noise) != 1:
        raise ValueError(f"condition: expected one row for one picture, got {len(condition)} for {len(noise)}")
    recorded = _Recorded(denoiser)
    noise, condition = noise.to(denoiser.device), condition.to(denoiser.device)
    others = [(other.to(denoiser.device), weight) for other, weight in others]
    options = {"steps": steps, "generators": [generator], "others": others}
    options |= {"guidance_scale": guidance_scale, "guidance_interval": guidance_interval}
    if scheduler is None:
        steps_done = list(sample_student(recorded, noise, condition, **options))
    else:
        steps_done = list(denoise(recorded, scheduler, noise, condition, clip=denoiser.wants_clipping, **options))
    timeline = pictures(torch.cat([s.denoised for s in steps_done]).cpu())
    attention = torch.stack(recorded.calls).cpu()
    if attention.shape[2:] != timeline.shape[2:]:  # a net of latents attends to fewer places
        attention = F.interpolate(attention, size=timeline.shape[2:], mode="bilinear", align_corners=False)
    return Explanation(
        attention,
        timeline,
        condition.ids[0].tolist(),
        condition.weights[0].tolist(),
    )
