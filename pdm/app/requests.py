"""Requests and how they are run: one place that checks what a visitor asked for and streams the pictures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from pdm.app.hints import hinted
from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.data.images import to_bytes
from pdm.editing.prototype_set import PrototypeSet
from pdm.model.conditioning import Condition, null_condition
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.recipe import Recipe
from pdm.sampling.explain import Explanation, explain
from pdm.sampling.student import STUDENT, check_student_steps

MAX_COUNT = 64
MAX_SEED = 2**32 - 1
MAX_GUIDANCE = 10.0
AUTO = "auto"  # the sampler that suits the steps: the student's, where the model has one and it was tuned for them


@dataclass(frozen=True)
class Request:
    """`count` pictures; picture i takes seed + i, so that any one of them can be made again alone.

    `method` "paper" is the published sampler: another prototype at every step. `prototypes` are ids of
    `prototype_set`, None for the model's own. `hints` are images of the map, one a picture, to condition on instead.
    `top_m` is the share of RDM's memory that queries are drawn from, None for the published one. `guidance` None is
    the model's own.
    """

    method: str = "pdm"
    prototypes: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    count: int = 16
    seed: int = 0
    steps: int = DEFAULT_STEPS
    guidance: float | None = None
    sampler: str = AUTO
    prototype_set: PrototypeSet | None = None
    hints: tuple[int, ...] = ()
    top_m: float | None = None

    def recipe(self, studio: Studio, index: int) -> Recipe:
        """What makes picture `index` of this request again."""
        return Recipe(
            model=studio.name,
            method=self.method,
            prototypes=self.prototypes,
            weights=self.weights,
            seed=self.seed + index,
            steps=self.steps,
            guidance=self.guidance,
            sampler=self.sampler,
            prototype_set=self.prototype_set.digest if self.prototype_set else None,
            query=f"training image {self.hints[index]}" if self.hints else None,
        )


def samplers(pipeline: PDMPipeline | RDMPipeline) -> tuple[str, ...]:
    """What a request's sampler may be."""
    return (AUTO, *pipeline.samplers)


def max_steps(pipeline: PDMPipeline | RDMPipeline) -> int:
    """1000 for the published chain, where every step is needed; 100 elsewhere."""
    return 1000 if pipeline.denoiser.config.preconditioning == "vp" else 100


def resolved(studio: Studio, request: Request) -> Request:
    """The request with normalised weights, the very sampler and the very guidance.

    Raises ValueError that names the field, what is allowed and what came.
    """
    if request.method not in studio.methods:
        raise ValueError(f"method: expected one of {', '.join(studio.methods)}, got {request.method!r}")
    pipeline = studio.pipeline(request.method)
    if request.sampler not in samplers(pipeline):
        raise ValueError(f"sampler: expected one of {', '.join(samplers(pipeline))}, got {request.sampler!r}")
    _whole("count", request.count, 1, MAX_COUNT)
    _whole("steps", request.steps, 1, max_steps(pipeline))
    sampler = pipeline.sampler_for(request.steps) if request.sampler == AUTO else request.sampler
    if sampler == STUDENT:
        check_student_steps(request.steps, "steps")
    _whole("seed", request.seed, 0, MAX_SEED)
    guidance = request.guidance
    if guidance is None:
        guidance = pipeline.config.guidance_scale
    number = isinstance(guidance, int | float) and not isinstance(guidance, bool)
    if not number or not 0 <= guidance <= MAX_GUIDANCE:  # NaN is in no range
        raise ValueError(f"guidance: expected a number from 0 to {MAX_GUIDANCE:g}, got {guidance!r}")
    if request.method == "paper" and guidance != 1:
        raise ValueError(f"guidance: expected 1 for method 'paper', whose net has no null branch, got {guidance!r}")
    if request.hints and (request.prototypes or len(studio.check_images(list(request.hints))) != request.count):
        raise ValueError(f"hints: expected one a picture and no prototypes, got {len(request.hints)}")
    if request.top_m is not None and (request.method != "rdm" or not 0 < request.top_m <= 1):
        raise ValueError(f"top_m: expected a share in (0, 1], and only for method 'rdm', got {request.top_m!r}")
    if request.prototype_set is not None and request.method in ("s-pdm", "paper"):
        raise ValueError(f"prototype_set: expected none for method {request.method!r}, which has prototypes of its own")
    ids: list[int] = []
    weights: list[float] = []
    if request.prototypes:
        if request.method != "pdm":
            raise ValueError(f"prototypes: expected none for method {request.method!r}, got {list(request.prototypes)}")
        ids, weights = studio.pdm.check_mix(request.prototypes, request.weights or None, request.prototype_set)
    elif request.weights:
        raise ValueError(f"weights: expected as many as prototypes (0), got {len(request.weights)}")
    return Request(
        request.method,
        tuple(ids),
        tuple(round(w, 6) for w in weights),
        request.count,
        request.seed,
        request.steps,
        float(guidance),
        sampler,
        request.prototype_set,
        request.hints,
        request.top_m,
    )


def _whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")


@dataclass(frozen=True)
class Frame:
    """The pictures after `step` of `total`: uint8 (B, C, H, W). The last one is `done` and says what made them."""

    step: int
    total: int
    images: torch.Tensor
    done: bool = False
    condition: Condition | None = None
    distances: torch.Tensor | None = None
    find_ms: float = 0.0
    denoise_ms: float = 0.0


def zero_gpu(function: Callable) -> Callable:
    """On a Space with ZeroGPU: run in a worker that holds a GPU for the seconds declared. Elsewhere: unchanged."""
    try:
        import spaces
    except ImportError:
        return function
    return spaces.GPU(duration=seconds_needed)(function)


def seconds_needed(studio: Studio, what: Request | Condition, *rest) -> int:
    """Seconds of GPU to ask for: quota is charged by what is declared, and a network call takes about 20 ms."""
    steps, count = (what.steps, what.count) if isinstance(what, Request) else (rest[1], len(what))
    return min(120, 5 + math.ceil(steps * max(1, count / 16) * 0.05))


def run(studio: Studio, request: Request) -> Iterator[Frame]:
    """Stream a resolved request. Closing the iterator stops the work."""
    yield from _RUN(studio, request)


@dataclass(frozen=True)
class _Prepared:
    """What a request needs before the first step; `first` is that step's condition, and all others' unless redrawn."""

    pipeline: PDMPipeline | RDMPipeline
    generators: list[torch.Generator]
    noise: torch.Tensor
    condition: Condition | Callable[[int], Condition]
    first: Condition
    guidance: float | torch.Tensor
    distances: torch.Tensor | None
    find_ms: float


def _prepare(studio: Studio, request: Request) -> _Prepared:
    generators = [torch.Generator().manual_seed(request.seed + i) for i in range(request.count)]
    pipeline = studio.pipeline(request.method)
    noise = pipeline.noise(generators)
    started = time.perf_counter()
    distances, guidance = None, request.guidance
    if request.hints:
        condition, distances = hinted(studio, request.method, list(request.hints))
    elif request.method == "rdm":
        condition, distances = pipeline.find(generators, top_m=request.top_m)
    elif request.method == "unconditional":
        condition = null_condition(request.count, pipeline.denoiser.config.token_dim)
    else:
        condition = pipeline.condition(
            generators,
            prototypes=request.prototypes or None,
            weights=request.weights or None,
            prototype_set=request.prototype_set,
        )
        guidance = pipeline.guidance(condition, guidance, request.prototype_set)
    first = condition
    if request.method == "paper" and not request.hints:
        redrawn = pipeline.redrawn(generators)
        first = redrawn(0)
        condition = lambda step: redrawn(step) if step else first  # noqa: E731 - the first draw is the one reported
    find_ms = 1000 * (time.perf_counter() - started)
    return _Prepared(pipeline, generators, noise, condition, first, guidance, distances, find_ms)


def _run(studio: Studio, request: Request) -> Iterator[Frame]:
    ready = _prepare(studio, request)
    started = time.perf_counter()
    steps = ready.pipeline.stream(
        ready.condition,
        ready.generators,
        ready.noise,
        num_inference_steps=request.steps,
        guidance_scale=ready.guidance,
        guidance_interval=(0.0, math.inf),
        sampler=request.sampler,
    )
    for step in steps:
        done = step.index + 1 == step.total
        images = to_bytes(step.denoised.cpu())
        now = time.perf_counter()
        yield Frame(
            step.index + 1,
            step.total,
            images,
            done,
            condition=ready.first.to("cpu") if done else None,
            distances=ready.distances if done else None,
            find_ms=ready.find_ms,
            denoise_ms=1000 * (now - started),
        )


def explained(studio: Studio, request: Request, index: int) -> Explanation:
    """Picture `index` of a resolved request made once more, with what every pixel attended to."""
    return _EXPLAIN(studio, replace(request, count=1, seed=request.seed + index))


def _explain(studio: Studio, request: Request) -> Explanation:
    ready = _prepare(studio, request)
    net = ready.pipeline.student if request.sampler == STUDENT else ready.pipeline.denoiser
    return explain(
        net,
        ready.first,
        ready.noise,
        ready.generators[0],
        steps=request.steps,
        guidance_scale=ready.guidance,
        sampler=request.sampler,
    )


def painted(
    studio: Studio, condition: Condition, seed: int, steps: int, guidance: float | torch.Tensor = 1.0
) -> torch.Tensor:
    """Pictures uint8 (B, C, H, W) of any condition's rows, all from the noise of one seed: the frames of a walk."""
    return _PAINT(studio, condition, seed, steps, guidance)


def _paint(studio: Studio, condition: Condition, seed: int, steps: int, guidance: float | torch.Tensor) -> torch.Tensor:
    generators = [torch.Generator().manual_seed(seed) for _ in range(len(condition))]
    *_, last = studio.pdm.stream(
        condition,
        generators,
        studio.pdm.noise(generators),
        num_inference_steps=steps,
        guidance_scale=guidance,
        guidance_interval=(0.0, math.inf),
        sampler=None,
    )
    return to_bytes(last.denoised.cpu())


_RUN, _EXPLAIN, _PAINT = zero_gpu(_run), zero_gpu(_explain), zero_gpu(_paint)
