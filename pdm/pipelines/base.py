"""What both pipelines share: choosing the net that paints, the denoising loop, saving in small shards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline, SchedulerMixin
from diffusers.utils import BaseOutput
from PIL import Image

from pdm.data.images import to_bytes, to_pil
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser
from pdm.pipelines.saved_names import importable, public
from pdm.sampling.solvers import SAMPLERS, Step, denoise, image_noise, make_scheduler
from pdm.sampling.student import STUDENT, TUNED_STEPS, check_student_steps, sample_student

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


class ConditionedPipeline(DiffusionPipeline):
    """A denoiser that takes a `Condition`, and perhaps its student. `PDMPipeline` and `RDMPipeline` make conditions."""

    denoiser: Denoiser
    student: Denoiser | None  # the denoiser tuned to paint in very few steps
    scheduler: SchedulerMixin

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
                    f"sampler: expected one of {', '.join(SAMPLERS)} for a model without a student, got {sampler!r}"
                )
            check_student_steps(steps)
            return True
        return sampler is None and self.student is not None and steps in TUNED_STEPS

    def sampler_for(self, steps: int) -> str:
        """The name of what paints in so many steps where no sampler is named."""
        if self.by_student(None, steps):
            return STUDENT
        return "ddpm" if self.denoiser.config.preconditioning == "vp" else "dpm++2m"

    def register_to_config(self, **kwargs) -> None:
        """As in diffusers, but parts of this package are noted under the name that `pdm` exports."""
        super().register_to_config(**{name: public(value) for name, value in kwargs.items()})

    @classmethod
    def load_config(cls, *args, **kwargs) -> Any:
        """As in diffusers; raises ValueError for an index that names a part which is none of this package's own."""
        loaded = super().load_config(*args, **kwargs)
        return (importable(loaded[0]), *loaded[1:]) if isinstance(loaded, tuple) else importable(loaded)

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs) -> None:
        """As in diffusers, in small shards, without the paths that diffusers notes its parts were loaded from."""
        super().save_pretrained(save_directory, **{"max_shard_size": MAX_SHARD, "safe_serialization": True, **kwargs})
        folder = Path(save_directory)
        for path in (folder / "model_index.json", *folder.glob("*/config.json")):
            values = json.loads(path.read_text())
            if values.pop("_name_or_path", None) is not None:
                path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")

    def stream(
        self,
        condition: Condition | Callable[[int], Condition],
        generators: list[torch.Generator],
        noise: torch.Tensor,
        *,
        num_inference_steps: int,
        guidance_scale: float | torch.Tensor,
        guidance_interval: tuple[float, float],
        sampler: str | None,
    ) -> Iterator[Step]:
        """Denoise step by step, with one guidance scale or one an image (B,); `by_student` says by which net.

        The scheduler is a fresh one, so that calls in parallel share no state.
        """
        device, by_student = self.denoiser.device, self.by_student(sampler, num_inference_steps)
        net = self.student if by_student else self.denoiser
        if isinstance(condition, Condition):
            condition, net = condition.to(device), net.at_fixed_condition()
        options = {
            "steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "guidance_interval": guidance_interval,
            "generators": generators,
        }
        if by_student:
            return sample_student(net, noise.to(device), condition, **options)
        if sampler is None:
            scheduler = type(self.scheduler).from_config(self.scheduler.config)
        else:
            scheduler = make_scheduler(sampler, self.denoiser.config.preconditioning)
        return denoise(net, scheduler, noise.to(device), condition, clip=self.denoiser.wants_clipping, **options)

    def noise(self, generators: list[torch.Generator]) -> torch.Tensor:
        config = self.denoiser.config
        return image_noise(generators, (config.channels, config.image_size, config.image_size), self.denoiser.device)

    def _run(
        self,
        condition: Condition | Callable[[int], Condition],
        generators: list[torch.Generator],
        noise: torch.Tensor,
        output_type: str,
        callback: StepCallback | None,
        **options,
    ) -> PrototypeDiffusionOutput:
        by_student = self.by_student(options["sampler"], options["num_inference_steps"])
        step, made_by = None, condition
        if not isinstance(condition, Condition):
            made_by = condition(0)
            redraw = condition
            condition = lambda i: redraw(i) if i else made_by  # noqa: E731 - the first draw is the one reported
        with self.progress_bar(total=options["num_inference_steps"]) as bar:
            for step in self.stream(condition, generators, noise, **options):
                bar.update()
                if callback and (callback(self, step.index, step.index, {"denoised": step.denoised}) or {}).get("stop"):
                    break
        images = to_bytes(step.denoised.cpu())
        return PrototypeDiffusionOutput(
            images=images if output_type == "pt" else [to_pil(i) for i in images],
            condition=made_by.to("cpu"),
            painted_by="student" if by_student else "denoiser",
        )
