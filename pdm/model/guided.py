"""A denoiser and its guide: an earlier net, which errs as it does, answers what guidance leads away from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from pdm.model.conditioning import AWAY, Condition
from pdm.model.denoiser import Denoise, Denoiser

ALIKE = ("channels", "image_size", "token_dim")


def check_guide(denoiser: Denoiser, guide: Denoiser | None) -> None:
    """Raise ValueError for a guide of other pictures or other tokens."""
    if guide is None:
        return
    for name in ALIKE:
        ours, theirs = denoiser.config[name], guide.config[name]
        if ours != theirs:
            raise ValueError(f"guide: expected a net with {name} {ours}, as the denoiser, got {theirs}")


@dataclass(frozen=True)
class Guided:
    """D(x; sigma, condition) of `denoiser`; rows of the condition whose ids are `AWAY` are answered by `guide`.

    Autoguidance (Karras et al. 2024, arXiv 2406.02507), with the guide's null branch: guidance then leads to the
    condition, as classifier-free guidance does, and away from the faults of a net that has learned less.
    """

    denoiser: Denoiser
    guide: Denoiser

    @property
    def config(self):
        return self.denoiser.config

    @property
    def device(self) -> torch.device:
        return self.denoiser.device

    @property
    def wants_clipping(self) -> bool:
        return self.denoiser.wants_clipping

    def __call__(
        self,
        x: torch.Tensor,
        sigma: torch.Tensor,
        condition: Condition,
        record: list[torch.Tensor] | None = None,
        kept: tuple[dict, dict] | None = None,
    ) -> torch.Tensor:
        """As the denoiser's; `record` takes what its own rows attend to, and `kept` is one for each of the nets."""
        ours, theirs = (None, None) if kept is None else kept
        away = condition.ids[:, 0] == AWAY
        if not bool(away.any()):
            return self.denoiser(x, sigma, condition, record, ours)
        if bool(away.all()):
            return self.guide(x, sigma, condition, None, theirs)
        clean = torch.empty_like(x, dtype=torch.float32)
        clean[~away] = self.denoiser(x[~away], sigma[~away], condition[~away], record, ours)
        clean[away] = self.guide(x[away], sigma[away], condition[away], None, theirs)
        return clean

    def at_fixed_condition(self) -> Denoise:
        """As the denoiser's own: for the steps of one sampling."""
        return self if self.config.time_in_token else partial(self, kept=({}, {}))
