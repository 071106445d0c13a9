"""What a visitor asks for: a request, and the one place where it is checked and completed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pdm.app.studio import Studio
from pdm.config import DEFAULT_STEPS
from pdm.editing.prototype_set import PrototypeSet
from pdm.methods import METHODS, Method
from pdm.pipelines.compose import MOST
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.recipe import Recipe
from pdm.sampling.student import STUDENT, check_student_steps
from pdm.support.checks import expect, is_number, one_of, shown, whole

Pipeline = PDMPipeline | RDMPipeline
MAX_COUNT = 64
MAX_SEED = 2**32 - 1
MAX_GUIDANCE = 10.0
AUTO = "auto"  # the sampler that suits the steps: the student's, where the model has one and it was tuned for them


@dataclass(frozen=True)
class Request:
    """`count` pictures; picture i takes seed + i, so that any one of them can be made again alone.

    `method` "paper" is the published sampler: another prototype at every step. `prototypes` are ids of
    `prototype_set`, None for the model's own; of `negative` ones nothing is painted. `hints` are images of the map, one
    a picture, to condition on instead.
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
    negative: tuple[int, ...] = ()

    @property
    def scale(self) -> float:
        """The guidance of a resolved request."""
        assert self.guidance is not None
        return self.guidance

    def recipe(self, studio: Studio, index: int) -> Recipe:
        """What makes picture `index` of this request again."""
        return Recipe(
            model=studio.name,
            method=self.method,
            prototypes=self.prototypes,
            weights=self.weights,
            seed=self.seed + index,
            steps=self.steps,
            guidance=self.scale,
            sampler=self.sampler,
            prototype_set=self.prototype_set.digest if self.prototype_set else None,
            query=f"training image {self.hints[index]}" if self.hints else None,
            negative=self.negative,
        )


def samplers(pipeline: PDMPipeline | RDMPipeline) -> tuple[str, ...]:
    """What a request's sampler may be."""
    return (AUTO, *pipeline.samplers)


def max_steps(pipeline: PDMPipeline | RDMPipeline) -> int:
    """1000 for the published chain, where every step is needed; 100 elsewhere."""
    return 1000 if pipeline.denoiser.config.preconditioning == "vp" else 100


def resolved(studio: Studio, request: Request) -> Request:
    """The request with normalised weights, the sampler that "auto" stands for, and the guidance that will be used.

    Raises ValueError that names the field, what is allowed and what came.
    """
    one_of("method", request.method, studio.methods)
    method, pipeline = METHODS[request.method], studio.pipeline(request.method)
    one_of("sampler", request.sampler, samplers(pipeline))
    whole("count", request.count, 1, MAX_COUNT)
    whole("steps", request.steps, 1, max_steps(pipeline))
    whole("seed", request.seed, 0, MAX_SEED)
    sampler = pipeline.sampler_for(request.steps) if request.sampler == AUTO else request.sampler
    if sampler == STUDENT:
        check_student_steps(request.steps, "steps")
    guidance = pipeline.own_guidance(request.guidance)
    expect("guidance", guidance, f"a number from 0 to {MAX_GUIDANCE:g}", is_number(guidance, 0, MAX_GUIDANCE))
    if not method.has_null and guidance != 1:
        raise ValueError(
            f"guidance: expected 1 for method {method.name!r}, whose net has no null branch, got {shown(guidance)}"
        )
    if request.hints and (request.prototypes or len(studio.check_images(list(request.hints))) != request.count):
        raise ValueError(f"hints: expected one a picture and no prototypes, got {len(request.hints)}")
    if request.top_m is not None and not (method.retrieves and 0 < request.top_m <= 1):
        raise ValueError(f"top_m: expected a share in (0, 1], and only for method 'rdm', got {shown(request.top_m)}")
    ids, weights = _mix(pipeline, method, request)
    without = _negative(pipeline, method, request)
    return replace(
        request, prototypes=ids, weights=weights, negative=without, guidance=float(guidance), sampler=sampler
    )


def _mix(pipeline: Pipeline, method: Method, request: Request) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The prototypes asked for and a weight for each; raises ValueError for a method that takes none."""
    if request.prototype_set is not None and method.has_own_prototypes:
        raise ValueError(f"prototype_set: expected none for method {method.name!r}, which has prototypes of its own")
    if not request.prototypes:
        if request.weights:
            raise ValueError(f"weights: expected as many as prototypes (0), got {len(request.weights)}")
        return (), ()
    if not method.takes_set:
        raise ValueError(f"prototypes: expected none for method {method.name!r}, got {list(request.prototypes)}")
    ids, weights = pipeline.check_mix(request.prototypes, request.weights or None, request.prototype_set)
    return tuple(ids), tuple(round(w, 6) for w in weights)


def _negative(pipeline: Pipeline, method: Method, request: Request) -> tuple[int, ...]:
    """The prototypes of which nothing is to be painted; raises ValueError where there can't be any."""
    if not request.negative:
        return ()
    if not method.takes_set or method.redraws or request.hints:
        what = "beside hints" if request.hints else f"for method {method.name!r}"
        raise ValueError(f"negative: expected none {what}, got {list(request.negative)}")
    expect("negative", list(request.negative), f"at most {MOST} ids", len(request.negative) <= MOST)
    try:
        ids, _ = pipeline.check_mix(request.negative, None, request.prototype_set)
    except ValueError as error:
        raise ValueError(str(error).replace("prototypes", "negative", 1)) from error
    return tuple(ids)
