"""What both pipelines share: from a condition to pictures, choosing the net that paints, saving in small shards."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
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
from pdm.pipelines.saved_names import importable, public
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
from pdm.support.checks import expect, shown

MAX_SHARD = "9MB"  # files over 10 MB need LFS on a hosted Space
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


class ConditionedPipeline(DiffusionPipeline):
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

    def register_to_config(self, **kwargs) -> None:
        """As in diffusers, but parts of this package are noted under the name that `pdm` exports."""
        super().register_to_config(**{name: public(value) for name, value in kwargs.items()})

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike, **kwargs: Any) -> Any:
        """As in diffusers, but of a folder or a hub id only safetensors and JSON are read: no pickle, and no code.

        Raises ValueError for options that would ask for either.
        """
        for field, harmless in {"custom_pipeline": None, "use_onnx": None}.items():
            given = kwargs.pop(field, harmless)
            expect(field, given, "nothing, as no code of others is run", not given)
        kwargs["trust_remote_code"] = False  # whoever asks for it: there is none to trust
        safe = kwargs.pop("use_safetensors", True)
        expect("use_safetensors", safe, "True, as no pickles are read", safe is True)
        return super().from_pretrained(pretrained_model_name_or_path, use_safetensors=True, **kwargs)

    @classmethod
    def load_config(cls, *args, **kwargs) -> Any:
        """As in diffusers; raises ValueError for an index that names a part which is none of this package's own."""
        loaded = super().load_config(*args, **kwargs)
        return (importable(loaded[0]), *loaded[1:]) if isinstance(loaded, tuple) else importable(loaded)

    def save_pretrained(self, save_directory: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
        """As in diffusers, in small shards, without the paths that diffusers notes its parts were loaded from."""
        super().save_pretrained(
            save_directory, *args, **{"max_shard_size": MAX_SHARD, "safe_serialization": True, **kwargs}
        )
        folder = Path(save_directory)
        for path in (folder / "model_index.json", *folder.glob("*/config.json")):
            values = json.loads(path.read_text())
            if values.pop("_name_or_path", None) is not None:
                path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")

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
