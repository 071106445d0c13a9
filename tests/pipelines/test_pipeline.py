"""Both pipelines: what they are asked, what they answer, and what they look like on disk."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdm.data.images import from_pil, to_bytes, to_pil, to_unit
from pdm.model.conditioning import as_tokens
from pdm.pipelines.checks import check_generators, check_prototypes, check_sampling
from tests.tiny import seeds

PIXEL = 1  # of 255: other batch sizes take other matrix kernels, which round the last bits of a float differently


def pixels(pipeline, *args, generator, **options) -> torch.Tensor:
    options = {"num_images": len(generator), "num_inference_steps": 4, "output_type": "pt", **options}
    return pipeline(*args, generator=generator, **options).images.int()


# Checks


@given(st.permutations(range(9)), st.data())
def test_valid_mixes_keep_their_ids_and_their_proportions(order, drawn):
    ids = order[: drawn.draw(st.integers(1, 9))]
    weights = drawn.draw(st.lists(st.floats(0, 1e6), min_size=len(ids), max_size=len(ids)))
    if sum(weights) == 0:
        weights[0] = 0.5
    got_ids, got = check_prototypes(ids, weights, 9)
    assert got_ids == list(ids) and sum(got) == pytest.approx(1)
    assert got == pytest.approx([w / sum(weights) for w in weights])
    assert check_prototypes(ids, None, 9)[1] == pytest.approx([1 / len(ids)] * len(ids))


@pytest.mark.parametrize(
    ("prototypes", "weights", "message"),
    [
        ([9], None, "prototypes: expected whole numbers from 0 to 8, got 9"),
        ([-1], None, "prototypes: .*got -1"),
        ([1.0], None, "prototypes: .*got 1.0"),
        (["1"], None, "prototypes: .*got '1'"),
        ([True], None, "prototypes: .*got True"),
        ([], None, "prototypes: expected at least one"),
        ([2, 3, 2], None, r"prototypes: .*each only once, got \[2, 3, 2\]"),
        ([2, 3], [1.0], "weights: expected 2, one for each prototype, got 1"),
        ([2], [0.5, 0.5], "weights: expected 1, .*got 2"),
        ([2, 3], [0.0, 0.0], "weights: .*do not sum to 0"),
        ([2, 3], [1.0, -0.1], "weights: .*at least 0"),
        ([2, 3], [math.nan, 1.0], "weights: expected finite"),
        ([2, 3], [math.inf, 1.0], "weights: expected finite"),
        ([2, 3], [1.5e308, 1.5e308], "weights: expected finite"),
    ],
)
def test_mixes_that_mean_nothing_are_refused_by_the_name_of_the_field(prototypes, weights, message):
    with pytest.raises(ValueError, match=message):
        check_prototypes(prototypes, weights, 9)


def test_one_generator_is_asked_for_each_image():
    with pytest.raises(ValueError, match=r"generator: expected one per image \(3\), got 2"):
        check_generators(seeds(1, 2), 3)
    with pytest.raises(ValueError, match=r"generator: expected one per image \(2\), got 1"):
        check_generators([torch.Generator()], 2)
    with pytest.raises(ValueError, match="num_images: expected at least 1, got 0"):
        check_generators(None, 0)
    one = torch.Generator()
    assert check_generators(one, 1) == [one]
    fresh = check_generators(None, 3)
    assert len({g.initial_seed() for g in fresh}) == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((0, 1.0, (0, 1)), "num_inference_steps"),
        ((2.5, 1.0, (0, 1)), "num_inference_steps"),
        ((4, -0.5, (0, 1)), "guidance_scale"),
        ((4, math.nan, (0, 1)), "guidance_scale"),
        ((4, math.inf, (0, 1)), "guidance_scale"),
        ((4, 1.0, (2, 1)), "guidance_interval"),
        ((4, 1.0, (-1, 1)), "guidance_interval"),
    ],
)
def test_sampling_numbers_out_of_range_are_refused_by_name(values, field, pdm_pipeline):
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        check_sampling(*values)
    names = ("num_inference_steps", "guidance_scale", "guidance_interval")
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        pdm_pipeline(**dict(zip(names, values, strict=True)))


# Randomness


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(pipeline):
    first = pixels(pipeline, generator=seeds(1, 2))
    assert torch.equal(first, pixels(pipeline, generator=seeds(1, 2)))
    other = pixels(pipeline, generator=seeds(3, 4))
    assert (first - other).abs().float().mean() > 5


@pytest.mark.parametrize("sampler", [None, "euler", "ddpm"])
def test_image_i_is_the_same_in_any_batch_within_one_level_of_255(pipeline, sampler):
    numbers = (5, 6, 7, 8, 9)
    batch = pixels(pipeline, generator=seeds(*numbers), sampler=sampler)
    for i in (0, 3):
        alone = pixels(pipeline, generator=seeds(numbers[i]), sampler=sampler)
        assert (alone[0] - batch[i]).abs().max() <= PIXEL
    turned = pixels(pipeline, generator=seeds(*numbers[::-1]), sampler=sampler)
    assert (turned.flip(0) - batch).abs().max() <= PIXEL
    assert (batch[0] - batch[1]).abs().max() > 20


# Conditions


def test_a_given_mix_is_the_condition_of_every_image(pdm_pipeline):
    condition = pdm_pipeline([3, 1], [3.0, 1.0], generator=seeds(1, 2), num_images=2, num_inference_steps=1).condition
    assert condition.ids.tolist() == [[3, 1]] * 2 and condition.weights.tolist() == [[0.75, 0.25]] * 2
    torch.testing.assert_close(condition.tokens[0], as_tokens(pdm_pipeline.bank.vectors.detach())[[3, 1]])
    assert not condition.is_null.any()


def test_without_a_mix_rows_are_drawn_from_the_stored_table(pdm_pipeline):
    bank = pdm_pipeline.bank
    condition = pdm_pipeline.condition(seeds(*range(30)))
    stored = torch.cat(bank.table.rows(torch.arange(len(bank.table))), 1)
    for row in torch.cat([condition.ids.float(), condition.weights], 1):
        assert (stored == row).all(1).any()
    assert len(set(map(tuple, condition.ids.tolist()))) > 3


def test_an_images_condition_is_its_own_mixture(pdm_pipeline, images):
    picture = to_pil(images.images[5])
    condition = pdm_pipeline.condition(seeds(1, 2), image=picture)
    z = pdm_pipeline.bank.encode(to_unit(from_pil(picture, 16, 1))[None])
    ids, weights = pdm_pipeline.bank.mixture(z)
    assert torch.equal(condition.ids, ids.repeat(2, 1))
    torch.testing.assert_close(condition.weights, weights.repeat(2, 1))


def test_weights_alone_are_refused_and_so_is_an_id_out_of_range(pdm_pipeline):
    with pytest.raises(ValueError, match="weights: expected prototypes beside them"):
        pdm_pipeline(weights=[1.0])
    with pytest.raises(ValueError, match="prototypes: expected whole numbers from 0 to 7, got 8"):
        pdm_pipeline([8])


def test_unconditional_rows_are_null_and_depend_on_nothing_but_the_noise(pdm_pipeline, rdm_pipeline):
    for pipeline in (pdm_pipeline, rdm_pipeline):
        out = pipeline(unconditional=True, generator=seeds(1), num_inference_steps=2)
        assert out.condition.is_null.all() and (out.condition.ids == -1).all()
    # The same denoiser with the same seeds: with no condition there is no difference left between the two.
    null = [pixels(p, generator=seeds(1, 2), unconditional=True) for p in (pdm_pipeline, rdm_pipeline)]
    assert (null[0] - null[1]).abs().max() <= PIXEL
    assert (null[0] - pixels(pdm_pipeline, [0], generator=seeds(1, 2), guidance_scale=1.0)).abs().max() > 3 * PIXEL


def test_guidance_one_is_the_conditional_and_zero_the_unconditional(pdm_pipeline, rdm_pipeline):
    for pipeline, given_condition in ((pdm_pipeline, {"prototypes": [2]}), (rdm_pipeline, {"entries": [2]})):
        options = {"generator": seeds(1, 2), **given_condition}
        g = {s: pixels(pipeline, guidance_scale=s, **{**options, "generator": seeds(1, 2)}) for s in (0.0, 1.0, 3.0)}
        null = pixels(pipeline, generator=seeds(1, 2), unconditional=True)
        assert (g[0.0] - null).abs().max() <= PIXEL
        assert (g[1.0] - null).abs().max() > 3 * PIXEL  # the conditional branch alone ...
        never = {**options, "generator": seeds(1, 2), "guidance_interval": (1e4, 1e5)}
        assert torch.equal(g[1.0], pixels(pipeline, guidance_scale=3.0, **never))  # ... as when guidance never applies
        assert (g[3.0] - g[1.0]).abs().max() > 3 * PIXEL


def test_redrawing_at_each_step_changes_the_picture_and_draws_all_prototypes(pdm_pipeline):
    kept = pixels(pdm_pipeline, generator=seeds(1, 2), guidance_scale=1.0)
    redrawn = pixels(pdm_pipeline, generator=seeds(1, 2), guidance_scale=1.0, redraw_each_step=True)
    assert (kept - redrawn).abs().max() > PIXEL
    draw = pdm_pipeline.redrawn(seeds(*range(100)))
    first, second = draw(0), draw(1)
    assert set(first.ids.flatten().tolist()) == set(range(8))
    assert (first.ids != second.ids).float().mean() > 0.5


def test_a_redrawn_picture_reports_a_condition_that_the_denoiser_really_saw(pdm_pipeline, monkeypatch):
    seen = []
    redrawn = type(pdm_pipeline).redrawn

    def noting(self, *given):
        draw = redrawn(self, *given)
        return lambda step: seen.append(draw(step)) or seen[-1]

    monkeypatch.setattr(type(pdm_pipeline), "redrawn", noting)
    out = pdm_pipeline(generator=seeds(1), num_inference_steps=3, redraw_each_step=True)
    assert len(seen) == 3
    assert torch.equal(out.condition.ids, seen[0].ids)


# Progress


def test_a_callback_sees_every_step_and_can_stop(pipeline):
    seen = []

    def watch(asked, index, step, values):
        assert asked is pipeline
        seen.append(values["denoised"].clone())
        return {"stop": len(seen) == 3}

    stopped = pixels(pipeline, generator=seeds(1), num_inference_steps=8, callback_on_step_end=watch)
    assert len(seen) == 3
    assert torch.equal(stopped, to_bytes(seen[-1]).int())
    seen.clear()
    full = pixels(
        pipeline, generator=seeds(1), num_inference_steps=8, callback_on_step_end=lambda *a: seen.append(a[1])
    )
    assert seen == list(range(8)) and not torch.equal(full, stopped)


def test_calls_leave_the_pipelines_own_scheduler_alone(pipeline):
    before = pipeline.scheduler.timesteps.clone()
    pixels(pipeline, generator=seeds(1), num_inference_steps=3)
    assert torch.equal(pipeline.scheduler.timesteps, before)


def test_pil_and_tensor_outputs_are_the_same_picture(pipeline):
    options = {"num_images": 2, "num_inference_steps": 3}
    pictures = pipeline(generator=seeds(1, 2), **options).images
    tensors = pipeline(generator=seeds(1, 2), output_type="pt", **options).images
    assert all(isinstance(p, Image.Image) and p.size == (16, 16) for p in pictures)
    assert all(torch.equal(from_pil(p, 16, 1), t) for p, t in zip(pictures, tensors, strict=True))
