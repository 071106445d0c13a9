"""The way back to noise: exact where the flow has a closed form, whatever the sampler that comes forward again."""

import pytest
import torch

from pdm.sampling.beneath import Beneath
from pdm.sampling.inversion import inverting
from pdm.sampling.solvers import denoise, drive, make_scheduler
from tests.tiny import GaussianDenoiser, random_condition, seeds

STD, MEAN = 0.5, 0.3


def levels(steps: int) -> torch.Tensor:
    scheduler = make_scheduler("euler")
    scheduler.set_timesteps(steps)
    return scheduler.sigmas


def back(gauss, picture, steps, strength=1.0, **options) -> torch.Tensor:
    way = inverting(levels(steps), Beneath(picture, strength=strength), random_condition(1), steps=steps, **options)
    *_, last = drive(gauss, way)
    return last.denoised


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_inversion_of_a_linear_denoiser_is_the_closed_form(strength):
    picture, steps = torch.tensor([[[[-0.8, 0.1, 0.9]]]]), 200
    found = back(GaussianDenoiser(MEAN, STD), picture, steps, strength)
    sigmas = levels(steps)
    low, high = sigmas[-2], torch.tensor(Beneath(picture, strength=strength).first) if strength < 1 else sigmas[0]
    x = MEAN + (picture - MEAN) * ((STD**2 + high**2) / (STD**2 + low**2)).sqrt()
    expected = (x - (picture if strength < 1 else 0)) / high
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert (found - back(GaussianDenoiser(MEAN, STD), picture, 6, strength)).abs().max() > 1e-2


@pytest.mark.parametrize("sampler", ["dpm++2m", "dpm++3m", "euler", "heun", "ddim"])
def test_what_was_inverted_is_painted_again_by_every_deterministic_sampler(sampler):
    picture = torch.rand(1, 1, 4, 4, generator=seeds(3)[0]) * 2 - 1
    options = {"guidance_scale": 1.5, "steps": 60}
    gauss = GaussianDenoiser(MEAN, STD, null_mean=0.1)
    noise = back(gauss, picture, **options)
    again = list(denoise(gauss, make_scheduler(sampler), noise, random_condition(1), **options))[-1].denoised
    assert (again - picture).abs().max() < (
        0.3 if sampler in ("euler", "ddim") else 0.01
    )  # those are of the first order


def test_the_way_back_asks_twice_a_step_and_says_how_far_it_is():
    gauss = GaussianDenoiser()
    way = inverting(levels(6), Beneath(torch.zeros(1, 1, 2, 2)), random_condition(1), steps=6)
    steps = list(drive(gauss, way))
    assert [(s.index, s.total) for s in steps] == [(i, 5) for i in range(5)] and len(gauss.asked) == 10
    assert [sigma for sigma, _ in gauss.asked] == sorted(sigma for sigma, _ in gauss.asked)


def test_a_strength_of_a_single_step_asks_nothing_and_leaves_no_noise():
    gauss = GaussianDenoiser()
    assert not back(gauss, torch.ones(1, 1, 2, 2), 10, 0.1).any() and not gauss.asked
