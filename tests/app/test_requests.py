"""Requests: checked by the name of the field, streamed step by step, and each picture one that can be made alone."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pdm.app import costs
from pdm.app.painting import explained, run, seconds_needed, zero_gpu
from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.app.studio import Studio, ready
from pdm.app.together import AHEAD
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.recipe import Recipe
from pdm.sampling.solvers import SAMPLERS, make_scheduler
from pdm.ui.shared.session import finished
from tests.tiny import tiny_denoiser

NAN, INF = float("nan"), float("inf")


def last_frame(studio, **values):
    request = resolved(studio, Request(**{"count": 2, "steps": 2, **values}))
    return request, list(run(studio, request))[-1]


# Checks


REJECTED = [
    ("method", {"method": "gan"}),
    ("method", {"method": ""}),
    ("sampler", {"sampler": "plms"}),
    ("count", {"count": 0}),
    ("count", {"count": 65}),
    ("count", {"count": 2.0}),
    ("count", {"count": True}),
    ("count", {"count": "4"}),
    ("count", {"count": None}),
    ("steps", {"steps": 0}),
    ("steps", {"steps": 101}),
    ("steps", {"steps": 1.5}),
    ("seed", {"seed": -1}),
    ("seed", {"seed": MAX_SEED + 1}),
    ("seed", {"seed": 0.5}),
    ("seed", {"seed": None}),
    ("guidance", {"guidance": NAN}),
    ("guidance", {"guidance": INF}),
    ("guidance", {"guidance": -0.1}),
    ("guidance", {"guidance": 10.1}),
    ("guidance", {"guidance": "1.5"}),
    ("guidance", {"guidance": True}),
    ("guidance", {"guidance": 10**400}),
    ("negative", {"negative": (8,)}),
    ("negative", {"negative": (1, 1)}),
    ("negative", {"negative": tuple(range(9))}),
    ("negative", {"negative": "3"}),
    ("negative", {"negative": (1,), "method": "rdm"}),
    ("negative", {"negative": (1,), "hints": (0, 1), "count": 2}),
    ("prototypes", {"prototypes": (8,)}),
    ("prototypes", {"prototypes": (-1,)}),
    ("prototypes", {"prototypes": (1, 1)}),
    ("prototypes", {"prototypes": (True,)}),
    ("prototypes", {"prototypes": ("3",)}),
    ("prototypes", {"prototypes": (1,), "method": "rdm"}),
    ("prototypes", {"prototypes": (1,), "method": "unconditional"}),
    ("weights", {"weights": (1.0,)}),
    ("weights", {"prototypes": (1, 2), "weights": (1.0,)}),
    ("weights", {"prototypes": (1, 2), "weights": (0.0, 0.0)}),
    ("weights", {"prototypes": (1, 2), "weights": (1.0, NAN)}),
    ("weights", {"prototypes": (1, 2), "weights": (1.0, INF)}),
    ("weights", {"prototypes": (1, 2), "weights": (2.0, -1.0)}),
    ("weights", {"prototypes": (1, 2), "weights": (1.0, None)}),
    ("weights", {"prototypes": (1,), "weights": (10**400,)}),
]


def test_guidance_that_is_not_asked_for_is_the_models_own(studio, bank):
    assert resolved(studio, Request()).guidance == studio.guidance == 1
    own = replace(studio, pdm=PDMPipeline(tiny_denoiser(), bank, make_scheduler(), guidance_scale=2.5))
    assert own.guidance == resolved(own, Request()).guidance == 2.5
    assert resolved(own, Request("rdm")).guidance == 1  # its own
    assert resolved(own, Request(guidance=1.5)).guidance == 1.5


@pytest.mark.parametrize("field, values", REJECTED)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(studio, field, values):
    with pytest.raises(ValueError, match=f"^{field}: expected .*, got "):
        resolved(studio, Request(**values))


@pytest.mark.parametrize(
    "values", [{"count": 1}, {"count": 64}, {"steps": 100}, {"seed": MAX_SEED}, {"guidance": 0}, {"guidance": 10}]
)
def test_the_limits_themselves_are_allowed(studio, values):
    request = resolved(studio, Request(**values))
    assert {name: getattr(request, name) for name in values} == values


def test_the_published_chain_may_take_a_thousand_steps(bank, prototype_map):
    pipeline = PDMPipeline(tiny_denoiser(preconditioning="vp"), bank, make_scheduler("ddpm", "vp"))
    published = Studio("p", pipeline, None, ready(prototype_map))
    assert resolved(published, Request(steps=1000)).steps == 1000
    with pytest.raises(ValueError, match="^steps: expected a whole number from 1 to 1000, got 1001"):
        resolved(published, Request(steps=1001))


def test_a_model_without_rdm_offers_it_to_nobody(studio):
    with pytest.raises(ValueError, match="^method: expected one of pdm, unconditional, got 'rdm'"):
        resolved(replace(studio, rdm=None), Request(method="rdm"))


def test_weights_are_normalised_and_equal_where_none_are_given(studio):
    assert resolved(studio, Request(prototypes=(1, 2), weights=(3, 1))).weights == (0.75, 0.25)
    assert resolved(studio, Request(prototypes=(1, 2, 3))).weights == pytest.approx((1 / 3,) * 3, abs=1e-6)


def test_a_checked_request_is_checked_again_to_itself(studio):
    once = resolved(studio, Request(prototypes=(5, 2), weights=(7, 1), count=3))
    assert resolved(studio, once) == once


def test_negative_prototypes_reach_the_pipeline_the_recipe_and_the_explanation(studio):
    request, frame = last_frame(studio, prototypes=(1, 2), negative=(4,), seed=5)
    made = studio.pdm(
        prototypes=[1, 2],
        negative=[4],
        num_images=2,
        num_inference_steps=2,
        generator=[torch.Generator().manual_seed(5 + i) for i in range(2)],
        guidance_scale=request.guidance,
        output_type="np",
    )
    assert np.abs(frame.images.permute(0, 2, 3, 1).numpy() / 255 - made.images).max() < 0.01
    assert not torch.equal(frame.images, last_frame(studio, prototypes=(1, 2), seed=5)[1].images)
    assert request.recipe(studio, 1).negative == (4,)
    assert torch.equal(explained(studio, request, 1).timeline[-1], frame.images[1])


# Streaming


@pytest.mark.parametrize("sampler", ["dpm++2m", "heun", "ddpm"])
@pytest.mark.parametrize("method", ["pdm", "rdm", "unconditional"])
def test_every_step_is_streamed_and_only_the_last_is_done(studio, method, sampler):
    frames = list(run(studio, resolved(studio, Request(method=method, count=2, steps=4, sampler=sampler))))
    total = 7 if sampler == "heun" else 4  # Heun evaluates twice but for the last step
    assert [f.step for f in frames] == list(range(1, total + 1)) and {f.total for f in frames} == {total}
    assert [f.done for f in frames] == [False] * (total - 1) + [True]
    assert [f.condition is None for f in frames] == [True] * (total - 1) + [False]
    assert (frames[-1].distances is not None) == (method == "rdm")
    assert not torch.equal(frames[0].images, frames[-1].images)


def test_times_are_measured_and_only_grow(studio):
    frames = list(run(studio, resolved(studio, Request(count=2, steps=3))))
    assert frames[0].find_ms == frames[-1].find_ms > 0
    assert 0 < frames[0].denoise_ms < frames[1].denoise_ms < frames[2].denoise_ms


def test_closing_the_iterator_stops_the_work(studio):
    calls = []
    hook = studio.pdm.denoiser.register_forward_hook(lambda *_: calls.append(1))
    try:
        frames = run(studio, resolved(studio, Request(count=1, steps=50, guidance=1.0)))
        next(frames), next(frames)
        frames.close()
        assert list(frames) == [] and 2 <= len(calls) <= 2 + 1 + AHEAD  # those ahead, and the one under way
    finally:
        hook.remove()


@pytest.mark.parametrize("sampler", ["dpm++2m", "ddpm"])
@pytest.mark.parametrize(
    "values", [{}, {"prototypes": (3, 5), "weights": (0.7, 0.3)}, {"method": "rdm"}, {"method": "unconditional"}]
)
def test_each_picture_of_a_request_can_be_made_alone_with_its_own_seed(studio, values, sampler):
    _, together = last_frame(studio, count=3, seed=20, sampler=sampler, **values)
    for i in range(3):
        _, alone = last_frame(studio, count=1, seed=20 + i, sampler=sampler, **values)
        difference = (alone.images[0].int() - together.images[i].int()).abs().max()
        assert difference <= 1  # a level: batched products round otherwise
    assert (together.images[0].int() - together.images[1].int()).abs().max() > 10


def test_the_recipe_of_a_picture_makes_it_again(studio):
    request, frame = last_frame(studio, count=3, seed=7, prototypes=(1, 4), weights=(1, 3), guidance=2.0)
    recipe = Recipe.from_json(request.recipe(studio, 2).to_json())
    assert (recipe.model, recipe.seed) == ("tiny", 9)
    _, again = last_frame(
        studio,
        count=1,
        seed=recipe.seed,
        prototypes=recipe.prototypes,
        weights=recipe.weights,
        guidance=recipe.guidance,
        steps=recipe.steps,
        sampler=recipe.sampler,
    )
    assert (again.images[0].int() - frame.images[2].int()).abs().max() <= 1


def test_pictures_of_other_samplers_seeds_and_methods_differ(studio):
    made = [last_frame(studio, sampler=name, steps=6)[1].images for name in SAMPLERS]  # 3M is 2M up to four steps
    made += [last_frame(studio, steps=6, **v)[1].images for v in ({"seed": 50}, {"method": "rdm"}, {"guidance": 5})]
    assert all(not torch.equal(a, b) for i, a in enumerate(made) for b in made[:i])


# What made them


@pytest.mark.parametrize("values", [{}, {"prototypes": (6, 2, 0), "weights": (5, 2, 1)}])
def test_evidence_of_pdm_is_prototypes_with_weights_that_sum_to_one(studio, values):
    batch = finished(studio, *last_frame(studio, count=4, **values))
    for pairs in batch.evidence:
        assert sum(weight for _, weight in pairs) == pytest.approx(1, abs=1e-3)
        assert all(0 <= k < 8 and weight > 0 for k, weight in pairs)
    if values:
        assert batch.evidence == (((6, 0.625), (2, 0.25), (0, 0.125)),) * 4


def test_a_prototype_of_weight_zero_is_no_evidence(studio):
    batch = finished(studio, *last_frame(studio, prototypes=(1, 2), weights=(1, 0)))
    assert batch.evidence == (((1, 1.0),),) * 2


def test_evidence_of_rdm_is_neighbours_with_their_distances_nearest_first(studio):
    batch = finished(studio, *last_frame(studio, method="rdm"))
    memory = studio.rdm.memory.embeddings
    for pairs in batch.evidence:
        ids, distances = zip(*pairs, strict=True)
        assert list(distances) == sorted(distances) and len(ids) == 4
        naive = (memory[list(ids)] - memory[ids[0]]).square().sum(1).sqrt()  # a pseudo-query is an entry itself
        assert distances == pytest.approx(naive.tolist(), abs=1e-3)


def test_nothing_is_evidence_of_the_unconditional_branch(studio):
    assert finished(studio, *last_frame(studio, method="unconditional")).evidence == ((), ())


def test_a_finished_batch_holds_the_pictures_and_times_of_its_last_frame(studio):
    request, frame = last_frame(studio, seed=11)
    batch = finished(studio, request, frame)
    assert batch.model == "tiny" and len(batch) == 2 and torch.equal(batch.tensor(), frame.images)
    assert (batch.find_ms, batch.denoise_ms) == (frame.find_ms, frame.denoise_ms)
    picture = batch.picture(studio, 1)
    assert Recipe.from_json(picture.info["recipe"]) == batch.recipe(studio, 1) and batch.recipe(studio, 1).seed == 12
    assert np.array_equal(np.asarray(picture), frame.images[1, 0].numpy())


def test_a_batch_is_never_taken_from_an_unfinished_frame(studio):
    request = resolved(studio, Request(count=1, steps=2))
    with pytest.raises(AssertionError):
        finished(studio, request, next(run(studio, request)))


# ZeroGPU, and costs


def test_elsewhere_than_on_zero_gpu_nothing_is_wrapped(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zero_gpu(run) is run


def test_on_zero_gpu_the_seconds_are_computed_from_the_request(monkeypatch, studio):
    wrapped = []

    def gpu(duration):
        return lambda function: wrapped.append((function, duration)) or "wrapped"

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    assert zero_gpu(run) == "wrapped" and wrapped == [(run, seconds_needed)]
    needed = [seconds_needed(studio, Request(count=c, steps=s)) for c, s in ((1, 1), (16, 100), (64, 100), (64, 1000))]
    assert needed == sorted(needed) and needed[0] >= 5 and needed[1] < needed[2] and needed[3] == 120


def test_bytes_kept_are_prototypes_and_table_or_memory_and_index(studio):
    kept = costs.bytes_kept(studio)
    table = 1024 * 8 * (1 + 1)  # rows of eight ids and weights in a byte each
    assert kept["pdm"] == {"disk": 8 * 16 * 4 + table, "RAM": 8 * 16 * 4 + table}
    stored = 96 * (16 * 4 + 4 + 4)  # embeddings, popularity, source ids
    assert kept["rdm"] == {"disk": stored, "RAM": stored + 96 * 16 * 4}
    assert list(costs.bytes_kept(replace(studio, rdm=None))) == ["pdm"]
