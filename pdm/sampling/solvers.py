"""Samplers: any diffusers scheduler driving the preconditioned denoiser, one image per generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_heun_discrete import HeunDiscreteScheduler

from pdm.model.conditioning import Condition, null_condition
from pdm.model.denoiser import Denoise
from pdm.support.checks import shown


class Scheduler(Protocol):
    """What `denoise` asks of a diffusers scheduler, which have no common typed base."""

    timesteps: torch.Tensor
    init_noise_sigma: Any  # a number, or a tensor with one
    config: Any

    def set_timesteps(self, num_inference_steps: int, *, device: Any) -> None: ...

    def scale_model_input(self, sample: torch.Tensor, timestep: Any) -> torch.Tensor: ...

    def step(self, model_output: torch.Tensor, timestep: Any, sample: torch.Tensor, **options: Any) -> Any: ...


# A linear chain from sigma = 0.01, which a pixel of eight bits does not show, to 82, just above EDM's largest.
EDM_CHAIN = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.01745, "beta_schedule": "linear"}
PAPER_CHAIN = {"num_train_timesteps": 2000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}

_KARRAS = {"use_karras_sigmas": True, "timestep_spacing": "linspace"}
_DPM = {**_KARRAS, "algorithm_type": "dpmsolver++", "final_sigmas_type": "zero"}
_UNCLIPPED = {"clip_sample": False, "timestep_spacing": "trailing"}
ALWAYS = (0.0, float("inf"))  # the guidance interval that holds every noise level
SAMPLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "dpm++2m": (DPMSolverMultistepScheduler, {**_DPM, "solver_order": 2}),
    "dpm++3m": (DPMSolverMultistepScheduler, {**_DPM, "solver_order": 3}),
    "euler": (EulerDiscreteScheduler, _KARRAS),
    "heun": (HeunDiscreteScheduler, {**_KARRAS, "clip_sample": False}),
    "ddim": (DDIMScheduler, {**_UNCLIPPED, "set_alpha_to_one": True}),
    "ddpm": (DDPMScheduler, {**_UNCLIPPED, "variance_type": "fixed_small"}),
}


def make_scheduler(sampler: str = "dpm++2m", preconditioning: str = "edm") -> Scheduler:
    """The named scheduler over the chain that the preconditioning was trained on."""
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler: expected one of {', '.join(SAMPLERS)}, got {shown(sampler)}")
    kind, options = SAMPLERS[sampler]
    chain = PAPER_CHAIN if preconditioning == "vp" else EDM_CHAIN
    return kind(**chain, **options, prediction_type="epsilon")


@dataclass(frozen=True)
class Step:
    """One denoising step done: `index` of `total`; `denoised` (B, C, H, W) is the clean image expected so far."""

    index: int
    total: int
    denoised: torch.Tensor


def image_noise(generators: list[torch.Generator], shape: tuple[int, ...], device) -> torch.Tensor:
    """Unit noise (B, *shape), one generator an image, drawn where the generator lives."""
    return torch.stack([torch.randn(shape, generator=g, device=g.device).to(device) for g in generators])


def sigma_at(scheduler: Scheduler, index: int, timestep: torch.Tensor) -> torch.Tensor:
    """The noise level, in units of the data, at which step `index` evaluates the network."""
    if hasattr(scheduler, "sigmas"):
        return cast(Any, scheduler).sigmas[index]
    alpha_bar = cast(Any, scheduler).alphas_cumprod[int(timestep)]
    return ((1 - alpha_bar) / alpha_bar).sqrt()


@torch.no_grad()
def denoise(
    denoiser: Denoise,
    scheduler: Scheduler,
    noise: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    *,
    steps: int,
    guidance_scale: float | torch.Tensor = 1.0,
    guidance_interval: tuple[float, float] = ALWAYS,
    generators: list[torch.Generator] | None = None,
    clip: bool = False,
) -> Iterator[Step]:
    """Denoise unit noise (B, C, H, W) step by step; the last step's `denoised` is the result at data scale.

    A callable condition is asked anew at each step (the published sampler redraws its prototype). Guidance,
    D_null + g (D - D_null) with one g or one an image (B,), is applied where sigma lies in the interval. `clip` keeps
    what each step expects to the range of images. The scheduler counts the steps: give each sampling one of its own.
    A caller stops by not asking for the next step.
    """
    scheduler.set_timesteps(steps, device=noise.device)
    timesteps = scheduler.timesteps
    takes_generator = isinstance(scheduler, (DDPMScheduler, DDIMScheduler))
    x = noise * scheduler.init_noise_sigma
    for i, t in enumerate(timesteps):
        sigma = sigma_at(scheduler, i, t).to(x.device, x.dtype)
        # Whatever space a scheduler keeps x in, its model input has unit variance: x / sqrt(1 + sigma^2).
        at_data_scale = scheduler.scale_model_input(x, t) * (1 + sigma**2).sqrt()
        clean = denoised_at(denoiser, at_data_scale, sigma, condition, i, guidance_scale, guidance_interval)
        clean = clean.clamp(-1, 1) if clip else clean
        epsilon = (at_data_scale - clean) / sigma
        extra = {"generator": generators} if takes_generator else {}
        x = scheduler.step(epsilon, t, x, **extra).prev_sample
        last = i + 1 == len(timesteps)
        yield Step(i, len(timesteps), x if last else clean)


def try_out(scheduler: Scheduler) -> None:
    """Drive a net that expects nothing at a picture of one pixel; raises where a scheduler's settings don't fit."""

    def nothing(x: torch.Tensor, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        return torch.zeros_like(x)

    generators = [torch.Generator()]
    *_, last = denoise(
        nothing, scheduler, torch.zeros(1, 1, 1, 1), null_condition(1, 1), steps=2, generators=generators
    )
    if not last.denoised.isfinite().all():
        raise ValueError("scheduler: expected settings that lead to numbers, got NaN or infinity")


def denoised_at(
    denoiser: Denoise,
    x: torch.Tensor,
    sigma: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    index: int,
    scale: float | torch.Tensor,
    interval: tuple[float, float],
) -> torch.Tensor:
    """What step `index` of a sampler expects behind x: under its condition, guided where sigma lies in the interval."""
    row = condition(index).to(x.device) if callable(condition) else condition  # a bank may live elsewhere
    guided = interval[0] <= float(sigma) <= interval[1]
    return guided_denoise(denoiser, x, sigma, row, scale if guided else 1.0)


def guided_denoise(
    denoiser: Denoise, x: torch.Tensor, sigma: torch.Tensor, condition: Condition, scale: float | torch.Tensor
) -> torch.Tensor:
    """One evaluation of D, with classifier-free guidance when `scale` is not 1 (both branches in one batch).

    `scale` is one number, or one an image (B,), where those at 1 stay as they are without guidance.
    """
    levels = sigma.expand(len(x))
    each = isinstance(scale, torch.Tensor)
    if bool((scale == 1.0).all() if each else scale == 1.0) or bool(condition.is_null.all()):
        return denoiser(x, levels, condition)
    null = null_condition(len(x), condition.tokens.shape[2], condition.tokens.shape[1]).to(x.device)
    both = Condition(
        *(torch.cat([getattr(condition, f), getattr(null, f)]) for f in ("tokens", "weights", "ids", "is_null"))
    )
    conditional, unconditional = denoiser(x.repeat(2, 1, 1, 1), levels.repeat(2), both).chunk(2)
    if not each:
        return unconditional + scale * (conditional - unconditional)
    scale = scale.to(x.device, x.dtype)[:, None, None, None]  # (B, 1, 1, 1)
    return torch.where(scale == 1.0, conditional, unconditional + scale * (conditional - unconditional))
