"""`PDMPipeline`: pictures from prototypes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.data.images import Picture, to_unit
from pdm.editing.prototype_set import PrototypeSet
from pdm.model.conditioning import Condition, from_vectors, null_condition
from pdm.model.denoiser import Denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.base import ConditionedPipeline, Found, Prepared, PrototypeDiffusionOutput, Redraw, StepCallback
from pdm.pipelines.checks import (
    DEFAULT_TILING,
    Generators,
    as_ids,
    check_fits,
    check_generators,
    check_prototypes,
    check_sampling,
    check_unmuted,
    mix_weights,
    one_condition,
)
from pdm.pipelines.compose import conjunction, without
from pdm.pipelines.pictures import LatentScale
from pdm.pipelines.regions import Regions, painted
from pdm.pipelines.set_condition import (
    bank_redrawn,
    drawn_rows,
    mixture,
    redrawn,
    row_scales,
    set_condition,
    set_of,
)
from pdm.pipelines.start import Start
from pdm.sampling.solvers import Interval, Scheduler


class PDMPipeline(ConditionedPipeline):
    """Images from prototypes.

    ```python
    pipeline = PDMPipeline.from_pretrained("assets/fashion-mnist/pdm")
    images = pipeline(prototypes=[3, 17], weights=[0.7, 0.3], num_images=8).images
    ```
    """

    _optional_components = ["student", "guide", "autoencoder"]

    def __init__(
        self,
        denoiser: Denoiser,
        bank: PrototypeBank,
        scheduler: Scheduler,
        student: Denoiser | None = None,
        guidance_scale: float = DEFAULT_GUIDANCE,
        tiling: str = DEFAULT_TILING,
        autoencoder: Any = None,
        latents: LatentScale | None = None,
        guide: Denoiser | None = None,
        guided_above: float = 0.0,
        student_guidance: float = DEFAULT_GUIDANCE,
    ):
        super().__init__()
        self.register_modules(denoiser=denoiser, bank=bank, scheduler=scheduler, student=student, guide=guide)
        self.register_painting(guidance_scale, tiling, autoencoder, latents, guided_above, student_guidance)
        self.prototype_set: PrototypeSet | None = None  # edited prototypes to use where a call names none

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path, *, prototype_set: PrototypeSet | str | os.PathLike | None = None, **kwargs
    ) -> PDMPipeline:
        """As in diffusers; `prototype_set`, a set or its file, is used by calls that name none.

        Raises ValueError for a file that holds no set, and for a set made with another model.
        """
        pipeline = super().from_pretrained(pretrained_model_name_or_path, **kwargs)
        if prototype_set is not None:
            pipeline.prototype_set = set_of(pipeline.bank, prototype_set)
        return pipeline

    def check_mix(
        self,
        prototypes: int | Sequence[int],
        weights: Sequence[float] | None,
        prototype_set: PrototypeSet | None = None,
    ) -> tuple[list[int], list[float]]:
        """`check_prototypes` for ids of the set, if there is one, else of the bank; muted ones are refused."""
        prototype_set = prototype_set or self.prototype_set
        if prototype_set is None:
            return check_prototypes(prototypes, weights, self.bank.count)
        ids = as_ids(prototypes)
        check_unmuted(prototype_set, ids)
        return ids, mix_weights(ids, weights)

    def guidance(
        self, condition: Condition, guidance_scale: float, prototype_set: PrototypeSet | None = None
    ) -> float | torch.Tensor:
        """The guidance scale of each row (B,) as the scales of its prototypes have it; one number where all are 1."""
        prototype_set = prototype_set or self.prototype_set
        if prototype_set is None or all(p.scale == 1 for p in prototype_set.prototypes):
            return guidance_scale
        return guidance_scale * row_scales(prototype_set, condition)

    def condition(
        self,
        generators: list[torch.Generator],
        *,
        prototypes: int | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        image: Picture | None = None,
        unconditional: bool = False,
        prototype_set: PrototypeSet | None = None,
        regions: Regions | None = None,
    ) -> Condition:
        """A condition row per generator: the given mix, an image's prototypes, null, or rows of the stored table.

        With a set (by default the pipeline's own, if it has one) prototypes are the set's; muted ones are left out.
        With regions each of them, and the ground, has one of these.
        """
        if regions is not None:
            part = partial(self.condition, generators, prototype_set=prototype_set)
            return painted(
                regions,
                mixed=lambda ids, weights: part(prototypes=ids, weights=weights),
                ground=lambda name: part(unconditional=name == "null"),
                attended=self.attended,
            )
        n = len(generators)
        vectors = self.bank.vectors.detach()
        prototype_set = prototype_set or self.prototype_set
        if prototype_set is not None:
            check_fits(prototype_set, self.bank)
        if unconditional:
            return null_condition(n, vectors.shape[1])
        if prototypes is not None:
            ids, mix = self.check_mix(prototypes, weights, prototype_set)
            rows, row_weights = torch.tensor([ids] * n), torch.tensor([mix] * n)
        elif weights is not None:
            raise ValueError("weights: expected prototypes beside them, got weights alone")
        elif image is not None:
            z = self.bank.encode(self.seen(image).to(vectors.device))
            found = self.bank.mixture(z) if prototype_set is None else mixture(prototype_set, self.bank, z)
            rows, row_weights = (t.repeat(n, 1) for t in found)
        else:
            drawn = torch.stack([torch.randint(len(self.bank.table), (), generator=g).cpu() for g in generators])
            if prototype_set is None:
                rows, row_weights = self.bank.table.rows(drawn.to(vectors.device))
            else:
                rows, row_weights = drawn_rows(prototype_set, self.bank.table, drawn, generators)
        if prototype_set is not None:
            return set_condition(prototype_set, rows, row_weights, vectors.device)
        rows, row_weights = rows.to(vectors.device), row_weights.to(vectors.device)
        return from_vectors(vectors, rows, row_weights, spherical=self.bank.config.spherical)

    @torch.no_grad()
    def __call__(
        self,
        prototypes: int | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        *,
        image: Picture | None = None,
        unconditional: bool = False,
        prototype_set: PrototypeSet | None = None,
        num_images: int = 1,
        generator: Generators = None,
        num_inference_steps: int = DEFAULT_STEPS,
        guidance_scale: float | None = None,
        guidance_interval: Interval | None = None,
        sampler: str | None = None,
        redraw_each_step: bool = False,
        regions: Regions | None = None,
        height: int | None = None,
        width: int | None = None,
        tiling: str | None = None,
        tileable: bool = False,
        ground: Picture | None = None,
        keep: torch.Tensor | None = None,
        strength: float = 1.0,
        noise: torch.Tensor | None = None,
        angle: float = 0.0,
        negative: Sequence[int] = (),
        negative_weights: Sequence[float] | None = None,
        product: bool = False,
        callback_on_step_end: StepCallback | None = None,
        output_type: str = "pil",
    ) -> PrototypeDiffusionOutput:
        """Generate `num_images` pictures from a mix of prototypes, from an image's, or as frequent as in the data.

        One generator per image makes image i the same in any batch. `prototype_set`: edited prototypes to use
        instead of the model's own. `guidance_scale`: 1 is none; `guidance_interval`: the noise levels (sigma) it acts
        at; without them, the model's own, as its configuration has them. `sampler`: one of `samplers`; without one,
        see `by_student`. `redraw_each_step` is the published sampler, which draws a fresh prototype, uniformly, at
        every step.
        `regions`: prototypes by place, instead of one mix; `height`, `width`: of the canvas, theirs by default, any
        multiple of what the net needs; `tiling`: see `make_canvas`, the model's own by default; `tileable`: the canvas
        repeats without a seam.
        `ground`, `keep`, `strength`, `noise`, `angle`: a picture of one's own to paint on, and variations, see `Start`.
        `negative`, `negative_weights`: prototypes of which nothing is to be painted, see `without`; `product`: all of
        the prototypes at once instead of their mix, see `conjunction`. Both cost a prediction a step for null and for
        each prototype, where a mix without guidance costs one. Raises ValueError for values out of range.
        """
        generators = check_generators(generator, num_images)
        check_sampling(num_inference_steps, self.own_guidance(guidance_scale), guidance_interval)
        ready = self.prepare(
            generators,
            prototypes=prototypes,
            weights=weights,
            image=image,
            unconditional=unconditional,
            prototype_set=prototype_set,
            redraw_each_step=redraw_each_step,
            guidance_scale=guidance_scale,
            regions=regions,
            height=height,
            width=width,
            tiling=tiling,
            tileable=tileable,
            start=Start(ground, keep, strength, noise, angle),
            negative=negative,
            negative_weights=negative_weights,
            product=product,
        )
        return self._painted(ready, num_inference_steps, guidance_interval, sampler, output_type, callback_on_step_end)

    def prepare(
        self,
        generators: list[torch.Generator],
        *,
        prototypes: int | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        image: Picture | None = None,
        unconditional: bool = False,
        prototype_set: PrototypeSet | None = None,
        redraw_each_step: bool = False,
        guidance_scale: float | None = None,
        regions: Regions | None = None,
        height: int | None = None,
        width: int | None = None,
        tiling: str | None = None,
        tileable: bool = False,
        start: Start | None = None,
        negative: Sequence[int] = (),
        negative_weights: Sequence[float] | None = None,
        product: bool = False,
    ) -> Prepared:
        """What a sampling needs, one picture a generator; the rest is as in `__call__`."""
        one_condition(prototypes=prototypes, image=image, unconditional=unconditional, regions=regions)
        for beside in ({"weights": weights}, {"redraw_each_step": redraw_each_step}, {"product": product}):
            one_condition(regions=regions, **beside)

        def find() -> Found:
            condition = self.condition(
                generators,
                prototypes=prototypes,
                weights=weights,
                image=image,
                unconditional=unconditional,
                prototype_set=prototype_set,
                regions=regions,
            )
            scale = self.guidance(condition, self.own_guidance(guidance_scale), prototype_set)
            found = Found(self.redrawn(generators, prototype_set) if redraw_each_step else condition, scale)
            if product:
                found = conjunction(found, alone, *self.check_mix(prototypes or (), weights, prototype_set))
            return without(found, alone, negative, negative_weights)

        def alone(k: int) -> tuple[Condition, float | torch.Tensor]:
            condition = self.condition(generators, prototypes=[k], prototype_set=prototype_set)
            return condition, self.guidance(condition, self.own_guidance(guidance_scale), prototype_set)

        canvas = self.canvas(regions, height=height, width=width, tiling=tiling, tileable=tileable)
        return self.prepare_with(generators, find, canvas, start)

    def redrawn(self, generators: list[torch.Generator], prototype_set: PrototypeSet | None = None) -> Redraw:
        """The published sampler's condition: at every step another prototype, drawn uniformly, for each generator."""
        prototype_set = prototype_set or self.prototype_set
        if prototype_set is not None:
            return redrawn(prototype_set, generators)
        return bank_redrawn(self.bank, generators)

    @torch.no_grad()
    def condition_like(self, images: torch.Tensor, own: torch.Tensor | None = None) -> tuple[Condition, None]:
        """A condition row for each image, uint8 (B, C, H, W), as in training: the nearest of the model's prototypes.

        There are no entries that `own` could be, and no distances: both are RDM's.
        """
        bank = self.bank
        ids, weights = bank.mixture(bank.encode(to_unit(images).to(bank.device)).float())
        return from_vectors(bank.vectors, ids, weights, spherical=bank.config.spherical), None
