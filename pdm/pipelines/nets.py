"""Which of a pipeline's nets paints, by which sampler, and how strongly it is guided."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from pdm.model.denoiser import Denoiser
from pdm.model.guided import Guided
from pdm.pipelines.prepared import Prepared
from pdm.pipelines.start import other_kind_strength
from pdm.sampling.own_scheduler import named_as, own_or_named
from pdm.sampling.solvers import SAMPLERS, Interval, Scheduler
from pdm.sampling.student import GUIDED_BELOW, STUDENT, TUNED_STEPS, check_student_steps
from pdm.support.checks import shown


class PaintingNets:
    """A denoiser, perhaps with a student, which paints in very few steps, and a guide."""

    denoiser: Denoiser
    student: Denoiser | None
    guide: Denoiser | None
    scheduler: Scheduler

    if TYPE_CHECKING:

        @property
        def config(self) -> Any: ...

    @property
    def nets(self) -> tuple[Denoiser, ...]:
        """The denoiser and, where there are any, its student and its guide."""
        return tuple(net for net in (self.denoiser, self.student, self.guide) if net is not None)

    @property
    def samplers(self) -> tuple[str, ...]:
        """What a sampler may be called here: "student" where there is one, beside the denoiser's."""
        return tuple(SAMPLERS) if self.student is None else (*SAMPLERS, STUDENT)

    def by_student(self, sampler: str | None, steps: int) -> bool:
        """Whether the student paints: where no sampler is named it does if it can, and "student" insists on it.

        Raises ValueError where it is asked for and there is none, and for steps that it was not tuned for.
        """
        if sampler == STUDENT:
            if self.student is None:
                raise ValueError(
                    f"sampler: expected one of {', '.join(SAMPLERS)} for a model without a student, "
                    f"got {shown(sampler)}"
                )
            check_student_steps(steps)
            return True
        return sampler is None and self.student is not None and steps in TUNED_STEPS

    def net_for(self, sampler: str | None, steps: int) -> Denoiser | Guided:
        """What paints: the student, or the denoiser and its guide. Raises ValueError as `by_student` does."""
        if self.by_student(sampler, steps):
            assert self.student is not None
            return self.student
        return self.denoiser if self.guide is None else Guided(self.denoiser, self.guide)

    def sampler_for(self, steps: int) -> str:
        """The name of what paints in so many steps where no sampler is named."""
        if self.by_student(None, steps):
            return STUDENT
        return named_as(self.scheduler, self.denoiser.config.preconditioning)

    def scheduler_for(self, sampler: str | None) -> Scheduler:
        """`own_or_named` of this model: a fresh one, so that calls in parallel share no state."""
        return own_or_named(self.scheduler, sampler, self.denoiser.config.preconditioning)

    @property
    def other_kind_strength(self) -> float:
        """The strength to invert pictures to and to paint them from as other prototypes."""
        return other_kind_strength(self.denoiser.config.image_size, self.denoiser.config.channels)

    def own_guidance(self, guidance_scale: float | None) -> float:
        """A guidance scale, the model's own where none is named."""
        return self.config.guidance_scale if guidance_scale is None else guidance_scale

    def scale_for(self, ready: Prepared, by_student: bool) -> float | torch.Tensor:
        """The guidance scale that a net is to be given.

        A student that learned what its teacher paints at `student_guidance` paints at that scale by itself, and is
        guided by what a picture's scale differs from it.
        """
        return ready.guidance_scale / self.config.student_guidance if by_student else ready.guidance_scale

    def own_interval(self, ready: Prepared, by_student: bool) -> Interval:
        """The noise levels that the model's own guidance acts at: above `guided_above`, of a student not at the first.

        At all where a picture is painted on, which has few, and of a student whose one step others are to act at.
        """
        above = 0.0 if ready.beneath is not None and ready.beneath.starts_late else self.config.guided_above
        return above, GUIDED_BELOW if by_student and not ready.others else math.inf
