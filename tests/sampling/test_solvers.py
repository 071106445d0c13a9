"""Our one loop over every scheduler: parity with diffusers' EDM schedulers, and with ODEs solved by hand."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from diffusers import EDMDPMSolverMultistepScheduler, EDMEulerScheduler

from pdm.model.conditioning import Condition, null_condition
from pdm.sampling.solvers import SAMPLERS, denoise, guided, image_noise, make_scheduler, sigma_at
from tests.tiny import SIZE, GaussianDenoiser, random_condition, seeds, tiny_denoiser

DETERMINISTIC = ["dpm++2m", "dpm++3m", "euler", "heun", "ddim"]


def guided_denoise(denoiser, x, sigma, condition, scale):
    asking = guided(x, sigma, condition, scale)
    answer = denoiser(*next(asking))
    with pytest.raises(StopIteration) as end:
        asking.send(answer)
    return end.value.value


def run(denoiser, sampler, noise, condition=None, *, steps=10, chain="edm", **options) -> torch.Tensor:
    condition = null_condition(len(noise), 4) if condition is None else condition
    *_, last = denoise(denoiser, make_scheduler(sampler, chain), noise, condition, steps=steps, **options)
    return last.denoised


def raw_network(denoiser, scaled: torch.Tensor, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
    """F of Karras et al. 2022, Eq. (7), called without our preconditioning."""
    h = F.pixel_unshuffle(scaled, 2)
    time = 250 * sigma.log().expand(len(scaled))  # c_noise = log(sigma) / 4, in thousandths
    log_weights = {"log_weights": condition.weights.log()}
    return F.pixel_shuffle(denoiser.unet(h, time, condition.tokens, cross_attention_kwargs=log_weights).sample, 2)


@pytest.mark.parametrize("steps", [6, 18])
@pytest.mark.parametrize("sampler", ["dpm++2m", "dpm++3m", "euler"])
def test_the_loop_agrees_with_diffusers_own_edm_loop_over_the_raw_network(sampler, steps):
    denoiser, condition = tiny_denoiser(seed=1), random_condition(2)
    noise = torch.randn(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    ours = make_scheduler(sampler)
    ours.set_timesteps(steps)
    levels = ours.sigmas
    theirs = EDMEulerScheduler()
    if sampler != "euler":
        theirs = EDMDPMSolverMultistepScheduler(solver_order=int(sampler[-2]))
    theirs.set_timesteps(steps)
    theirs.sigmas = levels.clone()  # the same noise levels; everything else is theirs
    theirs.timesteps = theirs.precondition_noise(levels[:-1])
    start = levels[0] if sampler == "euler" else (1 + levels[0] ** 2).sqrt()
    x = noise * start
    with torch.no_grad():
        for i, t in enumerate(theirs.timesteps):
            scaled = theirs.scale_model_input(x, t)
            x = theirs.step(raw_network(denoiser, scaled, levels[i], condition), t, x).prev_sample
    torch.testing.assert_close(run(denoiser, sampler, noise, condition, steps=steps), x, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(("sampler", "ratio"), [("euler", 1.8), ("heun", 3.5), ("dpm++2m", 3.5), ("dpm++3m", 5.0)])
def test_the_error_to_the_exact_ode_solution_falls_with_the_order_of_the_solver(sampler, ratio):
    gauss = GaussianDenoiser(mean=0.3, std=0.5)
    noise = torch.tensor([[[[-1.5, -0.5, 0.7, 2.0]]]], dtype=torch.float64)
    errors = []
    for steps in (16, 32):
        end = run(gauss, sampler, noise, steps=steps)
        sigma, x = gauss.asked[0]
        gauss.asked.clear()
        errors.append((end - gauss.ode_end(x, sigma)).abs().max().item())
    assert errors[0] / errors[1] > ratio
    assert errors[1] < (0.1 if sampler == "euler" else 0.02)


@pytest.mark.parametrize("sampler", DETERMINISTIC)
@pytest.mark.parametrize("chain", ["edm", "vp"])
def test_the_denoiser_is_always_asked_at_data_scale_and_at_the_true_noise_level(sampler, chain):
    # Where all data is 0, the flow is x = sigma * noise: the input divided by its level never changes.
    gauss = GaussianDenoiser(mean=0.0, std=1e-6)
    noise = torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    end = run(gauss, sampler, noise, steps=20, chain=chain)
    levels = [sigma for sigma, _ in gauss.asked]
    assert levels[0] == pytest.approx({"edm": 82.5, "vp": 2.478e4}[chain], rel=0.01)
    assert all(high >= low for high, low in pairwise(levels))
    for sigma, x in gauss.asked:
        torch.testing.assert_close(x / sigma, gauss.asked[0][1] / levels[0], rtol=0, atol=1e-4)
    assert (gauss.asked[0][1] / levels[0] - noise).abs().max() < 1e-3
    assert end.abs().max() < 1e-6


def test_ddpm_on_a_gaussian_draws_from_that_gaussian():
    gauss = GaussianDenoiser(mean=0.3, std=0.5)
    noise = image_noise(seeds(5), (1, 128, 128), "cpu")
    sample = run(gauss, "ddpm", noise, steps=1000, generators=seeds(6))
    assert sample.mean().item() == pytest.approx(0.3, abs=0.02)
    assert sample.std().item() == pytest.approx(0.5, rel=0.03)
    # Ancestral: the end is not a function of the start. An ODE solver's correlation would be 1.
    assert abs(torch.corrcoef(torch.stack([sample.flatten(), noise.flatten()]))[0, 1]) < 0.1


@pytest.mark.parametrize("chain", ["edm", "vp"])
def test_ddim_on_a_gaussian_follows_the_closed_form_ode(chain):
    gauss = GaussianDenoiser(mean=0.3, std=0.5)
    noise = torch.tensor([[[[-1.5, -0.5, 0.7, 2.0]]]])
    end = run(gauss, "ddim", noise, steps=250, chain=chain)
    sigma, x = gauss.asked[0]
    torch.testing.assert_close(end, gauss.ode_end(x, sigma), atol=0.02, rtol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_clipped_steps_expect_no_more_than_images_can_hold(sampler):
    gauss, noise = GaussianDenoiser(mean=3.0, std=0.1), image_noise(seeds(1), (1, 4, 4), "cpu")
    ends = {}
    for clip in (False, True):
        options = {"steps": 10, "generators": seeds(2), "clip": clip}
        steps = list(denoise(gauss, make_scheduler(sampler, "vp"), noise, null_condition(1, 4), **options))
        assert all((s.denoised.abs() <= 1 + 1e-4).all() for s in steps) == clip
        ends[clip] = steps[-1].denoised.mean().item()
    assert ends == {False: pytest.approx(3, abs=0.2), True: pytest.approx(1, abs=1e-3)}


def test_ddpm_takes_each_images_noise_from_its_own_generator():
    gauss = GaussianDenoiser()
    noise = image_noise(seeds(1, 2), (1, 4, 4), "cpu")
    both = run(gauss, "ddpm", noise, generators=seeds(1, 2))
    alone = run(gauss, "ddpm", noise[1:], generators=seeds(2))
    torch.testing.assert_close(both[1:], alone)
    other = run(gauss, "ddpm", noise[1:], generators=seeds(3))
    assert not torch.allclose(alone, other, atol=1e-2)


def test_image_noise_is_drawn_image_by_image():
    three = image_noise(seeds(7, 8, 9), (2, 3, 3), "cpu")
    torch.testing.assert_close(three[1], torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(8)))
    assert not torch.equal(three[0], three[1])


def test_guidance_extrapolates_from_the_null_branch():
    gauss = GaussianDenoiser(mean=0.4, std=0.5, null_mean=-0.2)
    x, sigma = torch.randn(3, 1, 2, 2), torch.tensor(1.3)
    condition = random_condition(3)
    d, d_null = gauss(x, sigma.expand(3), condition), gauss(x, sigma.expand(3), null_condition(3, 4))
    for g in (0.0, 0.5, 1.0, 2.5):
        expected = d_null + g * (d - d_null)
        torch.testing.assert_close(guided_denoise(gauss, x, sigma, condition, g), expected)


def test_guidance_leaves_null_rows_as_they_are_and_costs_nothing_where_all_are_null():
    gauss = GaussianDenoiser(mean=0.4, null_mean=-0.2)
    x, sigma = torch.randn(2, 1, 2, 2), torch.tensor(1.3)
    mixed = random_condition(2).dropped(torch.tensor([True, False]))
    guided, plain = (guided_denoise(gauss, x, sigma, mixed, g) for g in (3.0, 1.0))
    torch.testing.assert_close(guided[0], plain[0])
    assert (guided[1] - plain[1]).abs().max() > 0.1
    gauss.asked.clear()
    guided_denoise(gauss, x, sigma, null_condition(2, 4), 3.0)
    assert [len(x) for _, x in gauss.asked] == [2]


def test_each_image_may_have_its_own_guidance_and_those_at_one_stay_to_the_bit_as_without():
    gauss = GaussianDenoiser(mean=0.4, std=0.5, null_mean=-0.2)
    x, sigma, condition = torch.randn(4, 1, 2, 2), torch.tensor(1.3), random_condition(4)
    plain = gauss(x, sigma.expand(4), condition)
    mixed = guided_denoise(gauss, x, sigma, condition, torch.tensor([2.5, 1.0, 0.0, 1.0]))
    assert torch.equal(mixed[[1, 3]], plain[[1, 3]])
    for i, g in ((0, 2.5), (2, 0.0)):
        torch.testing.assert_close(mixed[i], guided_denoise(gauss, x, sigma, condition, g)[i])
    gauss.asked.clear()
    ones = guided_denoise(gauss, x, sigma, condition, torch.ones(4))
    assert torch.equal(ones, plain) and [len(x) for _, x in gauss.asked] == [4]  # one call, and no null branch


def test_guidance_of_each_image_goes_through_the_whole_loop_and_its_interval():
    gauss = GaussianDenoiser(mean=0.4, null_mean=-0.2)
    noise, condition = image_noise(seeds(1, 2), (1, 4, 4), "cpu"), random_condition(2)
    each = run(gauss, "dpm++2m", noise, condition, guidance_scale=torch.tensor([3.0, 1.0]), guidance_interval=(0.3, 5))
    for i, g in enumerate((3.0, 1.0)):
        alone = run(gauss, "dpm++2m", noise, condition, guidance_scale=g, guidance_interval=(0.3, 5.0))
        torch.testing.assert_close(each[i], alone[i])
    assert (each[0] - run(gauss, "dpm++2m", noise, condition)[0]).abs().max() > 0.01


def test_guidance_is_applied_only_inside_its_interval_of_sigma():
    gauss = GaussianDenoiser(mean=0.4, null_mean=-0.2)
    noise = image_noise(seeds(1), (1, 4, 4), "cpu")
    run(gauss, "dpm++2m", noise, random_condition(1), guidance_scale=2.0, guidance_interval=(0.3, 5.0))
    doubled = [0.3 <= sigma <= 5.0 for sigma, _ in gauss.asked]
    assert [len(x) == 2 for _, x in gauss.asked] == doubled
    assert 0 < sum(doubled) < len(doubled)


def test_a_callable_condition_is_asked_anew_at_every_step():
    gauss, steps_asked = GaussianDenoiser(), []
    noise = image_noise(seeds(1), (1, 4, 4), "cpu")
    run(gauss, "euler", noise, lambda i: steps_asked.append(i) or random_condition(1), steps=5)
    assert steps_asked == [0, 1, 2, 3, 4]


def test_steps_are_lazy_so_a_caller_stops_by_not_asking():
    gauss = GaussianDenoiser()
    stream = denoise(gauss, make_scheduler(), image_noise(seeds(1), (1, 4, 4), "cpu"), null_condition(1, 4), steps=10)
    assert [(step.index, step.total) for step in (next(stream), next(stream))] == [(0, 10), (1, 10)]
    assert len(gauss.asked) == 2


def test_intermediate_steps_show_the_clean_image_expected_not_the_noisy_one():
    gauss = GaussianDenoiser(mean=0.3, std=0.5)
    noise = image_noise(seeds(1), (1, 4, 4), "cpu")
    first = next(denoise(gauss, make_scheduler(), noise, null_condition(1, 4), steps=10))
    assert (first.denoised - 0.3).abs().max() < 0.05  # at sigma 80 nothing but the mean is known


@pytest.mark.parametrize("sampler", ["dpm++2m", "dpm++3m", "euler", "heun"])
def test_very_many_steps_visit_every_noise_level_once_and_still_solve_the_ode(sampler):
    gauss = GaussianDenoiser(mean=0.3, std=0.5)
    noise = torch.tensor([[[[-1.5, 0.7]]]])
    end = run(gauss, sampler, noise, steps=1000)
    sigma, x = gauss.asked[0]
    assert len(gauss.asked) == (1999 if sampler == "heun" else 1000)
    torch.testing.assert_close(end, gauss.ode_end(x, sigma), atol=5e-3, rtol=0)


def test_sigma_at_of_a_chain_scheduler_is_that_of_its_timestep():
    scheduler = make_scheduler("ddim")
    scheduler.set_timesteps(10)
    for i, t in enumerate(scheduler.timesteps):
        alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.01745, 1000, dtype=torch.float64), 0)[t]
        assert sigma_at(scheduler, i, t).item() == pytest.approx(((1 - alpha_bar) / alpha_bar).sqrt().item(), rel=1e-3)


def test_an_unknown_sampler_is_refused_with_the_ones_there_are():
    with pytest.raises(ValueError, match=r"sampler: expected one of dpm\+\+2m, .*got 'plms'"):
        make_scheduler("plms")
    assert {"dpm++2m", "euler", "heun", "ddpm", "ddim"} <= set(SAMPLERS)
