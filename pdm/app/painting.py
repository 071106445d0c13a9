"""From requests to pictures: streamed step by step, explained, or of any condition; on a Space in a GPU worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from pdm.app.hints import hinted
from pdm.app.previews import Shown
from pdm.app.requests import Request
from pdm.app.studio import Studio
from pdm.app.work_log import logged
from pdm.app.zero_gpu import called, streamed
from pdm.evaluation.drawing import seeded
from pdm.methods import METHODS
from pdm.model.conditioning import Condition
from pdm.pipelines.base import ConditionedPipeline, Found, Prepared
from pdm.sampling.explain import Explanation, explain

AT_ONCE = 64  # more than what fills a call of the net: what is cheap is to be painted soon, whatever else is at work


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


def zero_gpu(function: Callable, seconds: Callable[..., int] | None = None) -> Callable:
    """On a Space with ZeroGPU: run in a worker that holds a GPU for the seconds declared. Elsewhere: unchanged.

    seconds: of the same arguments, how many to declare; `seconds_needed` where it is not said.
    """
    try:
        import spaces  # pyright: ignore[reportMissingImports] - it is installed on a Space alone
    except ImportError:
        return function
    return spaces.GPU(duration=seconds or seconds_needed)(function)


def seconds_needed(studio: Studio, what: Request | Condition, *rest) -> int:
    """Seconds of GPU to ask for: quota is charged by what is declared, and a network call takes about 20 ms."""
    steps, count = (what.steps, what.count) if isinstance(what, Request) else (rest[1], len(what))
    return seconds_of(count, steps)


def seconds_of(pictures: float, steps: int) -> int:
    """The same for so many pictures."""
    return min(120, 5 + math.ceil(steps * max(1, pictures / 16) * 0.05))


def run(studio: Studio, request: Request) -> Iterator[Frame]:
    """Stream a resolved request. Closing the iterator stops the work."""
    with logged("painting", studio.name, request.count, request.steps):
        yield from streamed(_RUN, _run, studio, request)


def _prepare(studio: Studio, request: Request) -> tuple[ConditionedPipeline, Prepared]:
    """The pipeline that paints a resolved request, and what it needs before the first step."""
    pipeline, generators = studio.pipeline(request.method), seeded(request.seed, request.count)
    if request.hints:
        return pipeline, pipeline.prepare_with(generators, lambda: _hinted(studio, request))
    asked: dict = {"guidance_scale": request.scale}
    method = METHODS[request.method]
    if not method.conditioned:
        asked["unconditional"] = True
    elif method.retrieves:
        asked["top_m"] = request.top_m
    else:
        asked |= {"prototypes": request.prototypes or None, "weights": request.weights or None}
        asked |= {"prototype_set": request.prototype_set, "redraw_each_step": method.redraws}
        asked["negative"] = request.negative
    return pipeline, pipeline.prepare(generators, **asked)


def _hinted(studio: Studio, request: Request) -> Found:
    condition, distances = hinted(studio, request.method, list(request.hints))
    return Found(condition, request.scale, distances)


def _run(studio: Studio, request: Request) -> Iterator[Frame]:
    pipeline, ready = studio.together.do(lambda: _prepare(studio, request))
    shown = Shown(studio, pipeline, ready)
    for step, milliseconds in studio.together.stream(pipeline, ready, steps=request.steps, sampler=request.sampler):
        done = step.index + 1 == step.total
        yield Frame(
            step.index + 1,
            step.total,
            shown.last(step) if done else shown.on_the_way(step),
            done,
            condition=ready.first.to("cpu") if done else None,
            distances=ready.distances if done else None,
            find_ms=ready.find_ms,
            denoise_ms=milliseconds,
        )


def explained(studio: Studio, request: Request, index: int) -> Explanation:
    """Picture `index` of a resolved request made once more, with what every pixel attended to."""
    with logged("explanation", studio.name, 1, request.steps):
        return called(_EXPLAIN, _explain, studio, replace(request, count=1, seed=request.seed + index))


def _explain(studio: Studio, request: Request) -> Explanation:
    return studio.together.do(lambda: _explain_now(studio, request))


def _explain_now(studio: Studio, request: Request) -> Explanation:
    pipeline, ready = _prepare(studio, request)
    by_student = pipeline.by_student(request.sampler, request.steps)
    return explain(
        pipeline.net_for(request.sampler, request.steps),
        ready.first,
        ready.noise,
        ready.generators[0],
        steps=request.steps,
        guidance_scale=pipeline.scale_for(ready, by_student),
        guidance_interval=pipeline.own_interval(ready, by_student),
        scheduler=None if by_student else pipeline.scheduler_for(request.sampler),
        others=ready.others,
        pictures=pipeline.pictures,
    )


def painted(
    studio: Studio, condition: Condition, seed: int, steps: int, guidance: float | torch.Tensor | None = None
) -> torch.Tensor:
    """Pictures uint8 (B, C, H, W) of any condition's rows, all from the noise of one seed: the frames of a walk.

    `guidance`: one scale, or one a row (B,); None is the model's own.
    """
    with logged("walk", studio.name, len(condition), steps):
        scale = studio.guidance if guidance is None else guidance
        return called(_PAINT, _paint, studio, condition, seed, steps, scale)


def _paint(studio: Studio, condition: Condition, seed: int, steps: int, guidance: float | torch.Tensor) -> torch.Tensor:
    generators = [torch.Generator().manual_seed(seed) for _ in range(len(condition))]
    ready = studio.pdm.prepare_with(generators, lambda: Found(condition, guidance))
    *_, (last, _) = studio.together.stream(studio.pdm, ready, steps=steps)
    return Shown(studio, studio.pdm, ready).last(last)


_RUN, _EXPLAIN, _PAINT = zero_gpu(_run), zero_gpu(_explain), zero_gpu(_paint)


def at_once() -> int:
    """How many visitors are painted for at the same time: one on ZeroGPU, where nobody shares a worker."""
    return AT_ONCE if _RUN is _run else 1
