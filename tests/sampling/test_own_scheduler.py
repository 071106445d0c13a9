"""A model's own noise levels: evenly on a log scale, and its own under every name of the same sampler."""

import math

import pytest
import torch
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from pdm.model.conditioning import null_condition
from pdm.sampling.own_scheduler import even_scheduler, named_as, noise_levels, own_or_named
from pdm.sampling.solvers import SAMPLERS, denoise, image_noise, make_scheduler
from tests.tiny import GaussianDenoiser, seeds


@pytest.mark.parametrize("lowest", [0.02, 0.1])
@pytest.mark.parametrize("steps", [1, 4, 10, 100])
def test_a_net_is_asked_evenly_on_a_log_scale_down_to_the_lowest_level(lowest, steps):
    gauss, noise = GaussianDenoiser(), image_noise(seeds(1), (1, 4, 4), "cpu")
    list(denoise(gauss, even_scheduler(lowest), noise, null_condition(1, 4), steps=steps))
    expected = torch.logspace(math.log10(82), math.log10(lowest), steps).tolist()
    assert [sigma for sigma, _ in gauss.asked] == pytest.approx(expected, rel=5e-3)


def test_a_gaussian_is_painted_as_by_the_closed_form_from_these_levels():
    gauss, noise = GaussianDenoiser(mean=0.3, std=0.5), torch.tensor([[[[-1.5, -0.5, 0.7, 2.0]]]])
    *_, last = denoise(gauss, even_scheduler(0.1), noise, null_condition(1, 4), steps=100)
    sigma, x = gauss.asked[0]
    torch.testing.assert_close(last.denoised, gauss.ode_end(x, sigma), atol=0.02, rtol=0)


@pytest.mark.parametrize("lowest", [0, 0.001, 2, float("nan")])
def test_a_level_that_is_none_of_a_pictures_is_refused(lowest):
    with pytest.raises(ValueError, match=r"^lowest_level: expected a noise level from 0\.01 to 1, got"):
        even_scheduler(lowest)


def test_the_own_levels_stay_where_the_own_sampler_is_named_and_no_other_one_has_them():
    own = even_scheduler(0.1)
    for name, is_own in ((None, True), ("dpm++2m", True), ("dpm++3m", False), ("euler", False), ("ddim", False)):
        found = own_or_named(own, name, "edm")
        assert found is not own and (found.config == own.config) == is_own
        assert is_own or found.config == make_scheduler(name).config


def test_an_own_scheduler_goes_by_the_name_of_its_kind_and_one_of_no_kind_by_the_nets_usual():
    for name in SAMPLERS:
        assert named_as(make_scheduler(name), "edm") == name
        assert named_as(make_scheduler(name, "vp"), "vp") == name
    assert named_as(even_scheduler(0.1), "edm") == "dpm++2m"
    other = UniPCMultistepScheduler()
    assert (named_as(other, "edm"), named_as(other, "vp")) == ("dpm++2m", "ddpm")


@pytest.mark.parametrize("steps", [2, 20])
def test_the_way_back_takes_a_models_own_levels_and_eulers_where_it_has_none_or_two_a_step(steps):
    levels = noise_levels(even_scheduler(0.1), steps, "edm")
    assert levels[:-1].tolist() == pytest.approx(torch.logspace(math.log10(82), -1, steps).tolist(), rel=5e-3)
    euler = make_scheduler("euler")
    euler.set_timesteps(steps)
    for name in SAMPLERS:
        torch.testing.assert_close(noise_levels(make_scheduler(name), steps, "edm"), euler.sigmas)
    assert levels[-1] == euler.sigmas[-1] == 0
