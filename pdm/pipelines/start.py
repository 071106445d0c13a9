"""What a painting starts from beside a seed: a picture of one's own, and noise that is given instead of drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pdm.data.images import Picture, as_picture, from_pil, to_unit
from pdm.pipelines.canvas import Canvas
from pdm.sampling.beneath import Beneath, strength_of
from pdm.sampling.turning import turned
from pdm.support.checks import expect, is_number, shown

OTHER_KIND_GUIDANCE = 2.0  # to paint a picture as other prototypes
OTHER_KIND_SIGMA = 0.113  # the noise level to do it from, for each pixel of a grey picture's side


@dataclass(frozen=True)
class Start:
    """Where a painting starts; what is not given is as usual. Checked on being made, and again beside a canvas.

    `ground`: a picture, cut to the canvas's shape and resized to it. `keep` (H, W) of the canvas, 1 where the ground
    stays and 0 where it is painted over, with soft edges in between. `strength` in (0, 1]: how much of the ground is
    painted over; at 1 it shows only where it is kept. `noise` (C, H, W) or (B, C, H, W) instead of that drawn with the
    seed, of unit variance, such as that of `invert`. `angle` from 0 to 180 degrees: turn it that far towards what the
    seed draws. Raises ValueError for what is none of these.
    """

    ground: Picture | None = None
    keep: Any = None  # a tensor or an array
    strength: float = 1.0
    noise: torch.Tensor | None = None
    angle: float = 0.0

    def __post_init__(self):
        ground, strength = self.ground, self.strength
        expect("ground", ground, "a picture", ground is None or isinstance(ground, Picture))
        above = is_number(strength, 0, 1) and strength > 0
        expect("strength", strength, "a number above 0 and up to 1", above)
        expect("angle", self.angle, "degrees from 0 to 180", is_number(self.angle, 0, 180))
        if ground is None and (self.keep is not None or strength != 1):
            raise ValueError("ground: expected a picture beside a strength or what to keep of it, got none")
        if self.noise is None and self.angle:
            raise ValueError("noise: expected some beside an angle to turn it by, got none")

    def beneath(self, canvas: Canvas, channels: int) -> Beneath | None:
        """The ground on a canvas, None where there is none."""
        keep = None if self.keep is None else _mask(self.keep, canvas)
        if self.ground is None:
            return None
        return Beneath(as_seen(self.ground, (canvas.height, canvas.width), channels), keep, self.strength)

    def noise_from(self, drawn: torch.Tensor) -> torch.Tensor:
        """What the drawn noise (B, C, H, W) becomes: itself, or what is given, turned towards it."""
        if self.noise is None:
            return drawn
        given = self.noise
        fits = isinstance(given, torch.Tensor) and given.is_floating_point()
        fits = fits and tuple(given.shape) in (tuple(drawn.shape), tuple(drawn.shape[1:]), (1, *drawn.shape[1:]))
        if not fits:
            got = tuple(given.shape) if isinstance(given, torch.Tensor) else shown(given)
            raise ValueError(f"noise: expected numbers of the shape {tuple(drawn.shape[1:])} for a picture, got {got}")
        expect("noise", "NaN or infinity", "finite numbers", bool(given.isfinite().all()))
        given = given.to(drawn.device, drawn.dtype).expand(drawn.shape)
        return turned(given, drawn, self.angle)


def other_kind_strength(side: int, channels: int = 1) -> float:
    """The strength to invert a picture to and to paint it from as other prototypes, for a net's pixels and channels.

    Less leaves its kind as it was, more nothing of its composition. The more numbers show a thing, the more noise it
    takes to hide it: by measurement with the side, and with channels, which mostly say the same, somewhat less.
    """
    return round(strength_of(OTHER_KIND_SIGMA * channels**0.75 * side), 3)


def as_seen(image: Picture, size: int | tuple[int, int], channels: int) -> torch.Tensor:
    """A picture of any kind as a model sees it: upright, (1, C, H, W) in [-1, 1]."""
    return to_unit(from_pil(as_picture(image), size, channels))[None]


def _mask(keep: Any, canvas: Canvas) -> torch.Tensor:
    """A mask of what is kept (H, W), of the canvas's size and from 0 to 1; raises ValueError for others."""
    if not isinstance(keep, torch.Tensor) and not (isinstance(keep, np.ndarray) and keep.dtype.kind in "biuf"):
        raise ValueError(f"keep: expected a mask (height, width), got {shown(keep)}")
    mask = torch.as_tensor(keep)
    size = (canvas.height, canvas.width)
    expect("keep", tuple(mask.shape), f"a mask of the canvas's size {size}", tuple(mask.shape) == size)
    mask = mask.float()
    within = bool(((mask >= 0) & (mask <= 1)).all())
    expect("keep", f"{float(mask.min()):g} to {float(mask.max()):g}", "values from 0 to 1", within)
    return mask
