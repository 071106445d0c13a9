"""What both pipelines share: from a condition to pictures, choosing the net that paints, saving in small shards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.utils.outputs import BaseOutput
from PIL import Image

from pdm.data.images import from_pil, to_bytes, to_pil, to_unit
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoise, Denoiser
from pdm.pipelines.canvas import Canvas, make_canvas
from pdm.pipelines.regions import Regions
from pdm.pipelines.saving import SafelySaved
from pdm.sampling.solvers import (
    ALWAYS,
    SAMPLERS,
    Sampling,
    Scheduler,
    Step,
    denoising,
    drive,
    image_noise,
    make_scheduler,
)
from pdm.sampling.student import STUDENT, TUNED_STEPS, check_student_steps, few_steps
from pdm.sampling.windows import Windows
from pdm.support.checks import shown

StepCallback = Callable[[DiffusionPipeline, int, torch.Tensor | int, dict], dict | None]


@dataclass
class PrototypeDiffusionOutput(BaseOutput):
    """`images`: PIL pictures, or a uint8 tensor (B, C, H, W) with output_type "pt"; `condition`: what made them.

    `painted_by`: the net that painted, "denoiser" or "student".
    """

    images: list[Image.Image] | torch.Tensor
    condition: Condition
    painted_by: str = "denoiser"


Redraw = Callable[[int], Condition]  # the condition of a step, asked for once a step in order


@dataclass(frozen=True)
class Found:
    """What a picture is conditioned on: one condition or another one at every step, and how strongly it guides.

    `guidance_scale`: one number, or one an image (B,). `distances` (B, k): of the neighbours, if any were retrieved.
    """

    condition: Condition | Redraw
    guidance_scale: float | torch.Tensor
    distances: torch.Tensor | None = None


@dataclass(frozen=True)
class Prepared:
    """What a sampling needs before its first step; `first` is that step's condition.

    `noise` (B, C, H, W) of unit variance, one generator an image; `find_ms`: how long finding the condition took;
    `windows`: what a large canvas is painted through, None for the net on the whole of it.
    """

    generators: list[torch.Generator]
    noise: torch.Tensor
    condition: Condition | Redraw
    first: Condition
    guidance_scale: float | torch.Tensor
    distances: torch.Tensor | None
    find_ms: float
    windows: Windows | None = None


class ConditionedPipeline(SafelySaved):
    """A denoiser that takes a `Condition`, and perhaps its student. `PDMPipeline` and `RDMPipeline` make conditions.

    Everything that is painted goes the same way: `prepare`, which finds the condition, then `stream`.
    """

    denoiser: Denoiser
    student: Denoiser | None  # the denoiser tuned to paint in very few steps
    scheduler: Scheduler

    if TYPE_CHECKING:  # what diffusers adds while running, for those who read the types
        progress_bar: Any

        @property
        def config(self) -> Any: ...

        @property
        def components(self) -> dict[str, Any]: ...

    @property
    def nets(self) -> tuple[Denoiser, ...]:
        """The denoiser and, where there is one, its student."""
        return (self.denoiser,) if self.student is None else (self.denoiser, self.student)

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

    def net_for(self, sampler: str | None, steps: int) -> Denoiser:
        """The net that paints: the student or the denoiser. Raises ValueError as `by_student` does."""
        net = self.student if self.by_student(sampler, steps) else self.denoiser
        assert net is not None
        return net

    def sampler_for(self, steps: int) -> str:
        """The name of what paints in so many steps where no sampler is named."""
        if self.by_student(None, steps):
            return STUDENT
        return "ddpm" if self.denoiser.config.preconditioning == "vp" else "dpm++2m"

    def seen(self, image: Image.Image) -> torch.Tensor:
        """A picture as the model sees it: (1, C, H, W) in [-1, 1]."""
        return to_unit(from_pil(image, self.denoiser.config.image_size, self.denoiser.config.channels))[None]

    def own_guidance(self, guidance_scale: float | None) -> float:
        """A guidance scale, the model's own where none is named."""
        return self.config.guidance_scale if guidance_scale is None else guidance_scale

    @torch.no_grad()
    def prepare_with(
        self, generators: list[torch.Generator], find: Callable[[], Found], canvas: Canvas | None = None
    ) -> Prepared:
        """What a sampling needs, with the condition that `find` returns; a row an image, or one row a generator.

        `canvas`: its size and windows, where it is no picture of the net's own size.
        """
        canvas = canvas or self.canvas()
        noise = self.noise(generators, canvas)  # drawn first: the condition takes its numbers from the same generators
        started = time.perf_counter()
        found = find()
        condition = first = found.condition
        if not isinstance(first, Condition):
            redraw, first = first, first(0)
            condition = partial(_after_the_first, first, redraw)
        find_ms = 1000 * (time.perf_counter() - started)
        return Prepared(
            generators, noise, condition, first, found.guidance_scale, found.distances, find_ms, canvas.windows
        )

    def stream(
        self,
        ready: Prepared,
        *,
        num_inference_steps: int,
        guidance_interval: tuple[float, float] = ALWAYS,
        sampler: str | None = None,
    ) -> Iterator[Step]:
        """Denoise step by step; `by_student` says by which net."""
        net = self.net_of(ready, sampler, num_inference_steps)
        options = {"num_inference_steps": num_inference_steps, "guidance_interval": guidance_interval}
        return drive(net, self.sampling(ready, sampler=sampler, **options))

    def net_of(self, ready: Prepared, sampler: str | None, steps: int) -> Denoise:
        """What answers a sampling that has the net to itself."""
        net = self.net_for(sampler, steps)
        fixed = isinstance(ready.condition, Condition) and ready.windows is None  # each call sees other windows
        return net.at_fixed_condition() if fixed else net

    def sampling(
        self,
        ready: Prepared,
        *,
        num_inference_steps: int,
        guidance_interval: tuple[float, float] = ALWAYS,
        sampler: str | None = None,
    ) -> Sampling:
        """What `stream` asks of a net, step by step.

        The scheduler is a fresh one, so that calls in parallel share no state.
        """
        device, condition = self.denoiser.device, ready.condition
        if isinstance(condition, Condition):
            condition = condition.to(device)
        options = {
            "steps": num_inference_steps,
            "guidance_scale": ready.guidance_scale,
            "guidance_interval": guidance_interval,
            "generators": ready.generators,
            "windows": ready.windows,
        }
        if self.by_student(sampler, num_inference_steps):
            return few_steps(ready.noise.to(device), condition, **options)
        if sampler is None:
            scheduler = cast(Any, type(self.scheduler)).from_config(self.scheduler.config)
        else:
            scheduler = make_scheduler(sampler, self.denoiser.config.preconditioning)
        return denoising(scheduler, ready.noise.to(device), condition, clip=self.denoiser.wants_clipping, **options)

    def noise(self, generators: list[torch.Generator], canvas: Canvas | None = None) -> torch.Tensor:
        """Unit noise (B, C, H, W) of a canvas's size, of the net's own where none is named."""
        canvas = canvas or self.canvas()
        return image_noise(
            generators, (self.denoiser.config.channels, canvas.height, canvas.width), self.denoiser.device
        )

    def canvas(self, regions: Regions | None = None, *, tiling: str | None = None, **options: Any) -> Canvas:
        """`make_canvas` for this pipeline; `tiling` is the model's own where none is named."""
        return make_canvas(self.denoiser, regions, tiling=self.config.tiling if tiling is None else tiling, **options)

    def _painted(
        self,
        ready: Prepared,
        steps: int,
        guidance_interval: tuple[float, float],
        sampler: str | None,
        output_type: str,
        callback: StepCallback | None,
    ) -> PrototypeDiffusionOutput:
        """The pictures of a prepared sampling; the rest is as in `stream` and in a pipeline's call."""
        by_student = self.by_student(sampler, steps)
        clean = ready.noise
        stream = self.stream(ready, num_inference_steps=steps, guidance_interval=guidance_interval, sampler=sampler)
        with self.progress_bar(total=steps) as bar:
            for step in stream:
                bar.update()
                clean = step.denoised
                if callback and (callback(self, step.index, step.index, {"denoised": step.denoised}) or {}).get("stop"):
                    break
        images = to_bytes(clean.cpu())
        return PrototypeDiffusionOutput(
            images=images if output_type == "pt" else [to_pil(i) for i in images],
            condition=ready.first.to("cpu"),
            painted_by="student" if by_student else "denoiser",
        )


def _after_the_first(first: Condition, redraw: Redraw, step: int) -> Condition:
    """The first condition was drawn when the sampling was prepared: it is the one that is reported."""
    return redraw(step) if step else first
