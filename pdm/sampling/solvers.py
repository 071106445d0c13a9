"""Samplers: any diffusers scheduler driving the preconditioned denoiser, one image per generator."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_heun_discrete import HeunDiscreteScheduler

from pdm.model.conditioning import AWAY, Condition, null_condition, padded, stacked
from pdm.model.denoiser import Denoise
from pdm.sampling.beneath import Beneath
from pdm.sampling.drivable import check_drivable, takes_generators
from pdm.sampling.windows import Windows, through_windows
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
Interval = tuple[float, float]  # of noise levels: the sigmas at which guidance is applied
ALWAYS: Interval = (0.0, float("inf"))
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


class Ask(NamedTuple):
    """A call of the net that a sampling waits for: D(x; sigma, condition), x (B, C, H, W) and sigma (B,)."""

    x: torch.Tensor
    sigma: torch.Tensor
    condition: Condition


# A sampling yields what it asks of a net, and is sent the answer; in between it yields the steps that it has done.
Sampling = Generator[Ask | Step, Any, None]
Asking = Generator[Ask, Any, torch.Tensor]
# Conditions beside the one that is painted, and how far each guides: towards it, or away from it where it is negative.
Others = Sequence[tuple[Condition, float | torch.Tensor]]


@torch.no_grad()
def drive(denoiser: Denoise, sampling: Sampling) -> Iterator[Step]:
    """The steps of a sampling whose questions a denoiser answers. A caller stops by not asking for the next step."""
    answer = None
    while True:
        try:
            said = sampling.send(answer)
        except StopIteration:
            return
        answer = denoiser(*said) if isinstance(said, Ask) else None
        if isinstance(said, Step):
            yield said


@torch.no_grad()
def answered(denoiser: Denoise, asking: Asking) -> torch.Tensor:
    """What comes of questions that a denoiser answers."""
    answer = None
    while True:
        try:
            ask = asking.send(answer)
        except StopIteration as end:
            return end.value
        answer = denoiser(*ask)


def denoise(
    denoiser: Denoise,
    scheduler: Scheduler,
    noise: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    **options: Any,
) -> Iterator[Step]:
    """`denoising`, whose questions the denoiser answers."""
    return drive(denoiser, denoising(scheduler, noise, condition, **options))


@torch.no_grad()
def denoising(
    scheduler: Scheduler,
    noise: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    *,
    steps: int,
    guidance_scale: float | torch.Tensor = 1.0,
    guidance_interval: Interval = ALWAYS,
    generators: list[torch.Generator] | None = None,
    clip: bool = False,
    windows: Windows | None = None,
    beneath: Beneath | None = None,
    others: Others = (),
) -> Sampling:
    """Denoise unit noise (B, C, H, W) step by step; the last step's `denoised` is the result at data scale.

    A callable condition is asked anew at each step (the published sampler redraws its prototype). Guidance,
    D_null + g (D - D_null) with one g or one an image (B,), is applied where sigma lies in the interval. `clip` keeps
    what each step expects to the range of images. `windows`: what the net is asked for instead of whole canvases.
    `beneath`: the picture to start from, or to keep in part; `others`: see `guided`. The scheduler counts the steps:
    give each sampling one of its own.
    """
    check_drivable(scheduler)
    scheduler.set_timesteps(steps, device=noise.device)
    takes_generator = takes_generators(scheduler)
    skipped = 0 if beneath is None else (steps - beneath.steps(steps)) * getattr(scheduler, "order", 1)
    timesteps = scheduler.timesteps[skipped:]
    beside = {"windows": windows, "others": others, "own_null": beneath is not None and beneath.starts_late}
    x = noise * scheduler.init_noise_sigma if beneath is None else started(scheduler, beneath, noise, skipped)
    for i, t in enumerate(timesteps):
        sigma = sigma_at(scheduler, skipped + i, t).to(x.device, x.dtype)
        # Whatever space a scheduler keeps x in, its model input has unit variance: x / sqrt(1 + sigma^2).
        at_data_scale = scheduler.scale_model_input(x, t) * (1 + sigma**2).sqrt()
        clean = yield from denoised_at(at_data_scale, sigma, condition, i, guidance_scale, guidance_interval, **beside)
        clean = clean.clamp(-1, 1) if clip else clean
        clean = clean if beneath is None else beneath.kept(clean)
        epsilon = (at_data_scale - clean) / sigma
        extra = {"generator": generators} if takes_generator else {}
        x = scheduler.step(epsilon, t, x, **extra).prev_sample
        last = i + 1 == len(timesteps)
        yield Step(i, len(timesteps), x if last else clean)


def started(scheduler: Scheduler, beneath: Beneath, noise: torch.Tensor, index: int) -> torch.Tensor:
    """What lies beneath under the noise of step `index`, in the space in which the scheduler keeps x.

    The scheduler goes on from there. That step's noise level becomes the strength's own, but for a scheduler that knows
    none but those of its chain.
    """
    t, own = scheduler.timesteps[index], cast(Any, scheduler)
    if hasattr(scheduler, "set_begin_index"):
        own.set_begin_index(index)
    if hasattr(scheduler, "sigmas") and beneath.starts_late:
        own.sigmas[index] = beneath.first
        left = own.sigmas[index:-1]
        # Levels that lie elsewhere than Karras's do not all lie below the first.
        if getattr(scheduler, "order", 1) == 1 and bool((left[1:] >= left[0]).any()):
            own.sigmas[index:-1] = torch.tensor(beneath.levels(len(left)))
    sigma = sigma_at(scheduler, index, t).to(noise.device, noise.dtype)
    scale = scheduler.scale_model_input(torch.ones_like(noise[:1]), t)  # of unit variance there, see `denoising`
    return (beneath.shown + sigma * noise) / (scale * (1 + sigma**2).sqrt())


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
    x: torch.Tensor,
    sigma: torch.Tensor,
    condition: Condition | Callable[[int], Condition],
    index: int,
    scale: float | torch.Tensor,
    interval: Interval,
    *,
    windows: Windows | None = None,
    others: Others = (),
    own_null: bool = False,
) -> Asking:
    """What step `index` of a sampler expects behind x: under its condition, guided where sigma lies in the interval."""
    row = condition(index).to(x.device) if callable(condition) else condition  # a bank may live elsewhere
    within = interval[0] <= float(sigma) <= interval[1]
    scale, others = (scale, others) if within else (1.0, ())
    if windows is None:
        return (yield from guided(x, sigma, row, scale, others, own_null))

    def of_windows(seen: torch.Tensor, condition: Condition, canvas: torch.Tensor) -> Asking:
        def own(value: float | torch.Tensor) -> float | torch.Tensor:
            return value.to(x.device)[canvas] if isinstance(value, torch.Tensor) else value

        beside = [(other[canvas], own(weight)) for other, weight in others]
        return guided(seen, sigma, condition, own(scale), beside, own_null)

    return (yield from through_windows(windows, x, row, of_windows))


def is_guided(scale: float | torch.Tensor, condition: Condition) -> bool:
    """Whether the net is asked under the null condition, too."""
    without = bool((scale == 1.0).all()) if isinstance(scale, torch.Tensor) else scale == 1.0
    return not without and not bool(condition.is_null.all())


def guided(
    x: torch.Tensor,
    sigma: torch.Tensor,
    condition: Condition,
    scale: float | torch.Tensor,
    others: Others = (),
    own_null: bool = False,
) -> Asking:
    """One evaluation of D, with classifier-free guidance when `scale` is not 1 (all branches in one batch).

    `scale` is one number, or one an image (B,), where those at 1 stay as they are without guidance. Each of the
    `others`, of one token or as many as the condition, adds w (D_other - D_null): the product of their predictions, and
    with a weight below 0 their quotient (Eq. 11 and 13, Composable Diffusion, Liu et al. 2022). They are weighed
    against the net's own null branch, as all is with `own_null`; else a guide answers the null rows, if there is one.
    """
    levels = sigma.expand(len(x))
    if not others and not is_guided(scale, condition):
        return (yield Ask(x, levels, condition))
    null = null_condition(len(x), condition.tokens.shape[2], condition.tokens.shape[1]).to(x.device)
    ids = null.ids if others or own_null else torch.full_like(null.ids, AWAY)
    null = replace(null, ids=ids, places=condition.places)  # what keeps its norms apart by region; tokens it has none
    asked = [condition, null, *(padded(other, condition.tokens.shape[1]) for other, _ in others)]
    answer = yield Ask(x.repeat(len(asked), 1, 1, 1), levels.repeat(len(asked)), stacked(asked))
    conditional, unconditional, *beside = answer.chunk(len(asked))
    if not isinstance(scale, torch.Tensor):
        clean = unconditional + scale * (conditional - unconditional)
    else:
        scale = scale.to(x.device, x.dtype)[:, None, None, None]  # (B, 1, 1, 1)
        clean = torch.where(scale == 1.0, conditional, unconditional + scale * (conditional - unconditional))
    for expected, (_, weight) in zip(beside, others, strict=True):
        if isinstance(weight, torch.Tensor):
            weight = weight.to(x.device, x.dtype)[:, None, None, None]
        clean = clean + weight * (expected - unconditional)
    return clean
