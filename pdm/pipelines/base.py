"""What both pipelines share: from a condition to pictures, choosing the net that paints, saving in small shards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.utils.outputs import BaseOutput
from PIL import Image

from pdm.data.images import Picture
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoise
from pdm.pipelines.canvas import Canvas, make_canvas
from pdm.pipelines.checks import check_sampling
from pdm.pipelines.nets import PaintingNets
from pdm.pipelines.output import OUTPUTS, RAW
from pdm.pipelines.pictures import PicturePipeline
from pdm.pipelines.prepared import Found, Prepared, Redraw, after_the_first
from pdm.pipelines.regions import Regions
from pdm.pipelines.start import Start
from pdm.sampling.inversion import INVERSE, inverting
from pdm.sampling.own_scheduler import noise_levels
from pdm.sampling.solvers import (
    Interval,
    Sampling,
    Step,
    denoising,
    drive,
    image_noise,
)
from pdm.sampling.student import few_steps
from pdm.support.checks import expect, one_of

INVERSION_STEPS = 20  # of the way back, by default
StepCallback = Callable[[DiffusionPipeline, int, torch.Tensor | int, dict], dict | None]


@dataclass
class PrototypeDiffusionOutput(BaseOutput):
    """`images`: as output_type asks, see `pdm.pipelines.output`; `condition`: what made them.

    `painted_by`: the net that painted, "denoiser" or "student".
    """

    images: list[Image.Image] | torch.Tensor | np.ndarray
    condition: Condition
    painted_by: str = "denoiser"


class ConditionedPipeline(PaintingNets, PicturePipeline):
    """A denoiser that takes a `Condition`, perhaps with a student and a guide.

    `PDMPipeline` and `RDMPipeline` make conditions.
    Everything that is painted goes the same way: `prepare`, which finds the condition, then `stream`.
    """

    prepare: Callable[..., Prepared]  # each pipeline's own

    if TYPE_CHECKING:  # what diffusers adds while running, for those who read the types
        progress_bar: Any

        @property
        def components(self) -> dict[str, Any]: ...

    @torch.no_grad()
    def prepare_with(
        self,
        generators: list[torch.Generator],
        find: Callable[[], Found],
        canvas: Canvas | None = None,
        start: Start | None = None,
    ) -> Prepared:
        """What a sampling needs, with the condition that `find` returns; a row an image, or one row a generator.

        `canvas`: its size and windows, where it is no picture of the net's own size; `start`: from what, if not noise.
        """
        canvas, start = canvas or self.canvas(), start or Start()
        over = start.beneath(canvas, self.channels)
        beneath, windows = None if over is None else self.painted_beneath(over), canvas.windows
        if windows is not None and beneath is not None and beneath.keep is not None:
            windows = windows.beside(beneath.keep)
        # Drawn first, and whatever is given instead: the condition takes its numbers from the same generators.
        noise = start.noise_from(self.noise(generators, canvas))
        started = time.perf_counter()
        found = find()
        condition = first = found.condition
        if not isinstance(first, Condition):
            redraw, first = first, first(0)
            condition = partial(after_the_first, first, redraw)
        find_ms = 1000 * (time.perf_counter() - started)
        return Prepared(
            generators,
            noise,
            condition,
            found.reported or first,
            found.guidance_scale,
            found.distances,
            find_ms,
            windows,
            beneath,
            found.others,
            over,
        )

    def stream(
        self,
        ready: Prepared,
        *,
        num_inference_steps: int,
        guidance_interval: Interval | None = None,
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
        guidance_interval: Interval | None = None,
        sampler: str | None = None,
    ) -> Sampling:
        """What `stream` asks of a net, step by step."""
        device, condition = self.denoiser.device, ready.condition
        by_student = self.by_student(sampler, num_inference_steps)
        if isinstance(condition, Condition):
            condition = condition.to(device)
        options = {
            "steps": num_inference_steps,
            "guidance_scale": self.scale_for(ready, by_student),
            "guidance_interval": guidance_interval or self.own_interval(ready, by_student),
            "generators": ready.generators,
            "windows": ready.windows,
            "beneath": None if ready.beneath is None else ready.beneath.to(device),
            "others": [(other.to(device), weight) for other, weight in ready.others],
        }
        if by_student:
            return few_steps(ready.noise.to(device), condition, **options)
        if sampler == INVERSE:
            return self._inverting(ready, condition, options)
        if ready.beneath is not None and not ready.beneath.shows:
            options["beneath"] = None
        return denoising(
            self.scheduler_for(sampler), ready.noise.to(device), condition, clip=self.denoiser.wants_clipping, **options
        )

    def _inverting(self, ready: Prepared, condition: Condition | Redraw, options: dict[str, Any]) -> Sampling:
        """The way back along the noise levels that the model's own sampler comes down by; see `inverting`."""
        assert ready.beneath is not None
        sigmas = noise_levels(self.scheduler, options["steps"], self.denoiser.config.preconditioning)
        return inverting(sigmas, condition=condition, clip=self.denoiser.wants_clipping, **options)

    @torch.no_grad()
    def invert(
        self,
        image: Picture,
        *,
        num_inference_steps: int = INVERSION_STEPS,
        strength: float = 1.0,
        guidance_scale: float = 1.0,
        **asked: Any,
    ) -> torch.Tensor:
        """The noise (1, C, H, W) that paints a picture of one's own, for `__call__(noise=...)`; of unit variance.

        It is worked out under the picture's own mix, or under what else `prepare` is asked for: painted from under the
        same, with as many steps by one of the deterministic samplers and the same guidance, it gives the picture back.
        Under another one the composition stays and the kind changes. That is better done from less noise than all: with
        the same `strength` here and beside `ground=image` there, see `other_kind_strength`, and with guidance there.
        Asks the net twice a step. Raises ValueError as `prepare` does, and for a picture that is none.
        """
        check_sampling(num_inference_steps, guidance_scale)
        expect("image", image, "a picture", isinstance(image, Picture))
        if not {"prototypes", "entries", "text", "regions", "unconditional"} & set(asked):
            asked["image"] = image
        start = Start(image, strength=strength)
        generators = [torch.Generator().manual_seed(0)]
        ready = self.prepare(generators, guidance_scale=guidance_scale, start=start, **asked)
        *_, last = self.stream(ready, num_inference_steps=num_inference_steps, sampler=INVERSE)
        return last.denoised.cpu()

    def noise(self, generators: list[torch.Generator], canvas: Canvas | None = None) -> torch.Tensor:
        """Unit noise (B, C, H, W) of a canvas's size, of the net's own where none is named."""
        canvas = canvas or self.canvas()
        size = canvas.height // self.factor, canvas.width // self.factor
        return image_noise(generators, (self.denoiser.config.channels, *size), self.denoiser.device)

    def canvas(self, regions: Regions | None = None, *, tiling: str | None = None, **options: Any) -> Canvas:
        """`make_canvas` for this pipeline; `tiling` is the model's own where none is named."""
        way: str = self.config.tiling if tiling is None else tiling
        return make_canvas(self.denoiser, regions, tiling=way, factor=self.factor, **options)

    def _painted(
        self,
        ready: Prepared,
        steps: int,
        guidance_interval: Interval | None,
        sampler: str | None,
        output_type: str,
        callback: StepCallback | None,
    ) -> PrototypeDiffusionOutput:
        """The pictures of a prepared sampling; the rest is as in `stream` and in a pipeline's call."""
        one_of("output_type", output_type, (*OUTPUTS, RAW))
        by_student = self.by_student(sampler, steps)
        clean = ready.noise
        stream = self.stream(ready, num_inference_steps=steps, guidance_interval=guidance_interval, sampler=sampler)
        with self.progress_bar(total=steps) as bar:
            for step in stream:
                bar.update()
                clean = step.denoised
                if callback and (callback(self, step.index, step.index, {"denoised": step.denoised}) or {}).get("stop"):
                    break
        return PrototypeDiffusionOutput(
            images=clean.cpu() if output_type == RAW else OUTPUTS[output_type](self.pictures(clean, ready)),
            condition=ready.first.to("cpu"),
            painted_by="student" if by_student else "denoiser",
        )
