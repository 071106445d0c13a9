"""Several samplings as one: what must agree, and their rows put together in one call of the net after the other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch

from pdm.model.conditioning import Condition
from pdm.pipelines.base import ConditionedPipeline, Prepared


def kind(pipeline: ConditionedPipeline, ready: Prepared, steps: int, sampler: str | None) -> Hashable:
    """What must be the same of samplings that go through the net together: all that shapes a call but the rows."""
    tokens, drawn_anew = ready.first.tokens, callable(ready.condition)
    return pipeline, sampler, steps, guided(ready), drawn_anew, tokens.shape[1:], tokens.dtype, ready.noise.shape[1:]


def guided(ready: Prepared) -> bool:
    """Whether the net is asked with the null condition, too: the question of `solvers.guided_denoise`, put before."""
    scale = ready.guidance_scale
    without = bool((scale == 1.0).all()) if isinstance(scale, torch.Tensor) else scale == 1.0
    return not without and not bool(ready.first.is_null.all())


def joined(all_ready: Sequence[Prepared]) -> Prepared:
    """Samplings of one `kind` as one, row after row. A single one stays as it is."""
    if len(all_ready) == 1:
        return all_ready[0]
    noise = torch.cat([r.noise for r in all_ready])

    def at(step: int) -> Condition:
        parts = (r.condition(step) if callable(r.condition) else r.condition for r in all_ready)
        return together([part.to(noise.device) for part in parts])

    first = together([r.first.to(noise.device) for r in all_ready])
    return Prepared(
        generators=[g for r in all_ready for g in r.generators],
        noise=noise,
        condition=at if callable(all_ready[0].condition) else first,
        first=first,
        guidance_scale=torch.cat([_scales(r) for r in all_ready]) if guided(all_ready[0]) else 1.0,
        distances=None,
        find_ms=0.0,
    )


def together(conditions: Sequence[Condition]) -> Condition:
    """Conditions of as many tokens each, row after row."""
    fields = ("tokens", "weights", "ids", "is_null")
    return Condition(*(torch.cat([getattr(c, field) for c in conditions]) for field in fields))


def _scales(ready: Prepared) -> torch.Tensor:
    """The guidance of each row (B,)."""
    scale = ready.guidance_scale
    return scale.float().cpu() if isinstance(scale, torch.Tensor) else torch.full((len(ready.noise),), float(scale))
