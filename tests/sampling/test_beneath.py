"""A picture beneath: kept parts stay whatever paints the rest, and a strength says how much of it is painted over."""

import pytest
import torch

from pdm.model.conditioning import null_condition
from pdm.sampling.beneath import Beneath, strength_of
from pdm.sampling.own_scheduler import even_scheduler
from pdm.sampling.solvers import SAMPLERS, denoise, image_noise, make_scheduler
from pdm.sampling.student import LEVELS, sample_student
from tests.tiny import GaussianDenoiser, random_condition, seeds

SIDE = 4


def picture() -> torch.Tensor:
    return torch.rand(1, 1, SIDE, SIDE, generator=seeds(5)[0]) * 2 - 1


def left() -> torch.Tensor:
    keep = torch.zeros(SIDE, SIDE)
    keep[:, : SIDE // 2] = 1
    return keep


def painted(sampler, beneath, *, net=None, steps=4, count=2, preconditioning="edm"):
    generators = seeds(*range(count))
    noise = image_noise(generators, (1, SIDE, SIDE), "cpu")
    options = {"steps": steps, "generators": generators, "beneath": beneath, "guidance_scale": 1.5}
    net, condition = net or GaussianDenoiser(null_mean=0.1), random_condition(count)
    if sampler == "student":
        return list(sample_student(net, noise, condition, **options))
    scheduler = make_scheduler(sampler, preconditioning) if isinstance(sampler, str) else sampler
    return list(denoise(net, scheduler, noise, condition, **options))


@pytest.mark.parametrize("sampler", [*SAMPLERS, "student"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_what_is_kept_stays_and_is_seen_under_the_noise_of_each_step(sampler, strength):
    ground, keep, gauss = picture(), left(), GaussianDenoiser(null_mean=0.1)
    steps = painted(sampler, Beneath(ground, keep, strength), net=gauss)
    for step in steps:  # previews, too
        assert (step.denoised - ground)[..., : SIDE // 2].abs().max() < 1e-4
    assert (steps[-1].denoised - ground)[..., SIDE // 2 :].abs().max() > 0.05
    for sigma, x in gauss.asked:  # never less than the ground under noise of that level: five deviations
        assert ((x[:2] - ground)[..., : SIDE // 2] / sigma).abs().max() < 5
    spread = torch.cat([((x[:2] - ground)[..., : SIDE // 2] / sigma).flatten() for sigma, x in gauss.asked]).std()
    assert 0.6 < spread < 1.5


@pytest.mark.parametrize("sampler", ["dpm++2m", "heun", "ddim", "ddpm"])
def test_a_strength_makes_the_last_steps_alone_from_the_noised_picture(sampler):
    ground = picture()
    order = 2 if sampler == "heun" else 1
    for strength, count in ((1.0, 10), (0.5, 5), (0.26, 3), (0.01, 1)):
        gauss = GaussianDenoiser()
        steps = painted(sampler, Beneath(ground, None, strength), net=gauss, steps=10)
        total = order * count - (order - 1)
        assert [(s.index, s.total) for s in steps] == [(i, total) for i in range(total)] and len(gauss.asked) == total
    all_levels = GaussianDenoiser()
    painted(sampler, None, net=all_levels, steps=10)
    gauss = GaussianDenoiser()
    painted(sampler, Beneath(ground, None, 0.5), net=gauss, steps=10)
    sigma, x = gauss.asked[0]
    levels = [s for s, _ in all_levels.asked][-len(gauss.asked) :]
    assert [s for s, _ in gauss.asked][1:] == levels[1:] and sigma > levels[1]
    if sampler in ("dpm++2m", "heun"):
        assert sigma == pytest.approx(Beneath(ground, None, 0.5).first, rel=1e-3)
    noise = image_noise(seeds(0, 1), (1, SIDE, SIDE), "cpu")
    torch.testing.assert_close(x[:2], ground + sigma * noise, atol=1e-4, rtol=1e-4)


def test_little_strength_stays_near_the_picture_and_more_leaves_it():
    ground = picture()
    ends = [painted("dpm++2m", Beneath(ground, None, s), steps=20)[-1].denoised for s in (0.1, 0.4, 0.8)]
    near, further, far = ((end - ground).abs().mean() for end in ends)
    assert near < 0.05 < further < far


def test_a_student_starts_at_the_strengths_own_level_and_takes_no_more_steps():
    for steps, levels in LEVELS.items():
        for strength in (0.1, 0.5, 0.9):
            first, *rest = Beneath(picture(), None, strength).few(levels)
            assert 0.01 < first < 80 and len(rest) < steps and all(level < first for level in rest)
            assert set(rest) <= set(levels)
    assert Beneath(picture(), left(), 1.0).few(LEVELS[4]) == LEVELS[4]
    gauss = GaussianDenoiser(null_mean=0.1)
    painted("student", Beneath(picture(), None, 0.5), net=gauss, steps=2)
    sigma, x = gauss.asked[0]
    noise = image_noise(seeds(0, 1), (1, SIDE, SIDE), "cpu")
    torch.testing.assert_close(x[:2], picture() + sigma * noise, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("strength", [0.1, 0.43, 0.9])
@pytest.mark.parametrize("sampler", ["dpm++2m", "euler", even_scheduler(0.1)])
def test_the_same_strength_starts_from_the_same_noise_with_any_number_of_steps(sampler, strength):
    beneath = Beneath(picture(), None, strength)
    for steps in (5, 11, 20, 50):
        gauss = GaussianDenoiser()
        painted(sampler, beneath, net=gauss, steps=steps)
        levels = [s for s, _ in gauss.asked]
        assert levels[0] == pytest.approx(beneath.first, rel=1e-3)
        assert len(levels) == beneath.steps(steps) and sorted(set(levels), reverse=True) == levels
    assert strength_of(Beneath(picture(), None, 0.43).first) == pytest.approx(0.43)


def test_a_soft_mask_mixes_what_is_kept_and_what_is_painted():
    ground, half = picture(), torch.full((SIDE, SIDE), 0.5)
    steps = list(
        denoise(
            GaussianDenoiser(std=1e-4),
            make_scheduler(),
            torch.zeros(1, 1, SIDE, SIDE),
            null_condition(1, 4),
            steps=3,
            beneath=Beneath(ground, half),
        )
    )
    torch.testing.assert_close(steps[-1].denoised, 0.5 * ground + 0.5 * 0.3, atol=1e-3, rtol=0)
