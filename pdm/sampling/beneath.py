"""A picture beneath what is painted: what of it stays as it is, and how much noise hides the rest at the start.

Kept places follow RePaint (Lugmayr et al. 2022): at each step they hold the picture at that step's noise level. Here it
is put in the place of what the net expects there, from which every sampler goes on to just that, with its own noise or
without any. A start from the noised picture is SDEdit's (Meng et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

RHO = 7.0  # how noise levels are spaced, Karras et al. 2022
ENDS = (0.01, 80.0)  # the noise levels that strengths from 0 to 1 stand for


@dataclass(frozen=True)
class Beneath:
    """A `picture` (1, C, H, W) in [-1, 1]; `keep` (H, W) from 0 to 1, where 1 stays as it is; None keeps nothing.

    `strength` in (0, 1]: the share of the steps that is left to paint, from a noise level that depends on it alone. At
    1 nothing shows of what is not kept.
    """

    picture: torch.Tensor
    keep: torch.Tensor | None = None
    strength: float = 1.0

    def to(self, device: torch.device | str) -> Beneath:
        return Beneath(self.picture.to(device), None if self.keep is None else self.keep.to(device), self.strength)

    @property
    def shows(self) -> bool:
        """Whether anything of the picture would be seen in what is painted on it."""
        return self.strength < 1 or (self.keep is not None and bool(self.keep.any()))

    @property
    def starts_late(self) -> bool:
        """Whether painting starts below the highest noise level: too few are left for a guide to lead far enough."""
        return self.strength < 1

    def steps(self, total: int) -> int:
        """How many of so many steps are painted, the last ones."""
        return max(1, round(self.strength * total))

    @property
    def first(self) -> float:
        """The noise level that painting starts from: of every sampler the same, whatever levels are its own."""
        return self.levels(1)[0]

    def levels(self, count: int) -> list[float]:
        """So many noise levels, from the one that painting starts from to the lowest: Eq. (5), Karras et al. 2022."""
        low, high = (end ** (1 / RHO) for end in ENDS)
        falling = (self.strength * (1 - i / max(1, count - 1)) for i in range(count))
        return [(low + share * (high - low)) ** RHO for share in falling]

    def few(self, levels: tuple[float, ...]) -> tuple[float, ...]:
        """The noise levels of a student: the strength's own, and those of `levels` that lie below it."""
        if self.strength == 1:
            return levels
        return (self.first, *(level for level in levels[1:] if level < self.first))

    @property
    def shown(self) -> torch.Tensor:
        """What lies under the noise at the start (1, C, H, W): the picture, or only what is kept of it."""
        if self.strength < 1:
            return self.picture
        return torch.zeros_like(self.picture) if self.keep is None else self.keep * self.picture

    def kept(self, clean: torch.Tensor) -> torch.Tensor:
        """What is expected (B, C, H, W), with the picture where it is kept."""
        return clean if self.keep is None else self.keep * self.picture + (1 - self.keep) * clean


def strength_of(sigma: float) -> float:
    """The strength that starts from a noise level, in units of the data."""
    low, high = (end ** (1 / RHO) for end in ENDS)
    return (sigma ** (1 / RHO) - low) / (high - low)
