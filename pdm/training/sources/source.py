"""What the training loop asks of a source of conditions; it asks all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import torch

from pdm.evaluation.drawing import Pipeline
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser
from pdm.pipelines.base import ConditionedPipeline
from pdm.sampling.solvers import Scheduler

Report = Callable[[str, int, int, float], None]  # what, step, of, loss
Pause = Callable[[], bool]  # whether to stop here
Precision = Callable[[], AbstractContextManager]


def never() -> bool:
    """A pause that is never made."""
    return False


class Source(Protocol):
    """A maker of training conditions with a state that a checkpoint can hold."""

    @property
    def token_dim(self) -> int:
        """How wide its tokens are."""
        ...

    @property
    def prepared(self) -> bool:
        """Whether all is there that has to be learned or found before the denoiser starts."""
        ...

    def prepare(self, report: Report, autocast: Precision = nullcontext, pause: Pause = never) -> None:
        """Learn what has to be learned before the denoiser starts, or what is left of it.

        `autocast` gives a step's precision. Each step enters it anew: within one context torch keeps the weights as
        they were first cast. `pause` is asked after each step after which a later call can go on; where it is true,
        this one ends there.
        """

    def take_over(self, pipeline: ConditionedPipeline, report: Report) -> None:
        """Before `prepare`: take what a trained pipeline makes its conditions of."""

    def condition(
        self, x: torch.Tensor, rows: torch.Tensor, progress: float, generator: torch.Generator
    ) -> tuple[Condition, torch.Tensor | None]:
        """The condition of images x (B, C, H, W), which are these rows (B,) of the data set.

        Beside it a loss of the source's own, to be minimised with the denoiser's, or None. `progress`: the share of
        the run that is over.
        """
        ...

    def step(self, progress: float, generator: torch.Generator) -> None:
        """After the backward pass: update what the source learns."""

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """What it learns beside the denoiser."""
        ...

    def summary(self, images: int) -> str | None:
        """A line about what was prepared, measured on the first so many images; None where nothing can be said."""
        ...

    def used(self) -> tuple[int, int] | None:
        """How many prototypes get their share of the images seen last, and of how many; None where there are none."""
        ...

    def pipeline(
        self, denoiser: Denoiser, scheduler: Scheduler, guidance: float, preview_images: int | None = None
    ) -> Pipeline:
        """The pipeline in which a denoiser paints with these conditions.

        `preview_images`: measure what goes with it on the first so many images alone, for a quick look.
        """
        ...

    def halve(self, pipeline: ConditionedPipeline) -> None:
        """Bring to float16 what of its pipeline may be stored so, besides the nets that paint."""

    def save_extra(self, folder: Path) -> None:
        """Write what belongs into a saved pipeline's folder besides the pipeline itself."""

    def state_dict(self) -> dict:
        """What a checkpoint holds of it."""
        ...

    def load_state_dict(self, state: dict) -> None:
        """Go on from the state of a checkpoint."""
