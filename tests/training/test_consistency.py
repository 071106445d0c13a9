"""Consistency tuning: schedule and loss against the formulas written out, and a student against a closed form."""

import math

import pytest
import torch
from torch import nn

from pdm.model.conditioning import null_condition
from pdm.sampling.student import LEVELS, sample_student
from pdm.training.consistency import (
    BOUNDARY,
    LOWEST,
    ConsistencyConfig,
    consistency_loss,
    earlier,
    level,
    of_images,
    of_teacher,
    seen_clean,
    stage,
)
from tests.tiny import SIZE, GaussianDenoiser, random_condition, seeds, tiny_denoiser


def test_the_gap_is_the_papers_formula_and_r_is_never_negative():
    config = ConsistencyConfig(q=2.0, k=8.0, b=1.0)
    t = torch.tensor([0.002, 0.1, 0.8, 2.0, 5.0, 80.0], dtype=torch.float64)
    for a in range(1, 9):
        expected = [max(0.0, s * (1 - (1 + 8 / (1 + math.exp(s))) / 2**a)) for s in t.tolist()]
        assert earlier(config, t, a).tolist() == pytest.approx(expected)
    assert earlier(config, t, 1)[0] == 0  # it starts as a denoiser's loss ...
    assert (earlier(config, t, 20) / t > 0.999).all()  # ... and ends near the continuous limit


def test_the_stages_have_equal_lengths_and_the_last_lasts_to_the_end():
    config = ConsistencyConfig(stages=4)
    shares = [0.0, 0.2499, 0.25, 0.5, 0.75, 0.9999, 1.0, 1.3]
    assert [stage(config, share) for share in shares] == [1, 1, 2, 3, 4, 4, 4, 4]


@pytest.mark.parametrize("wrong", [{"q": 1.0}, {"stages": 0}, {"huber": 0.0}])
def test_a_schedule_that_goes_nowhere_is_refused(wrong):
    with pytest.raises(ValueError, match="consistency: expected q above 1"):
        ConsistencyConfig(**wrong)


def test_the_loss_is_the_formula_image_by_image():
    denoiser, condition = GaussianDenoiser(mean=0.3, std=0.5), random_condition(3)
    x, noise = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    t, r = torch.tensor([0.3, 2.0, 40.0]), torch.tensor([0.0, 1.5, 39.0])
    expected = []
    for i in range(3):
        one, row = slice(i, i + 1), condition[i : i + 1]
        target = denoiser(x[one] + r[i] * noise[one], r[one], row) if r[i] > 0 else x[one]
        difference = denoiser(x[one] + t[i] * noise[one], t[one], row) - target
        c = 0.00054 * math.sqrt(2 * 4 * 4)
        expected.append(math.sqrt(difference.square().sum().item() + c * c) - c)
    got = consistency_loss(denoiser, of_images(x, noise, t, r), condition, 0.00054)
    assert got.tolist() == pytest.approx(expected, rel=1e-5)


def test_the_target_takes_no_gradient_and_sees_the_same_noise_and_condition():
    denoiser, condition = tiny_denoiser().requires_grad_(True), random_condition(2)
    x, noise = torch.randn(2, 2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    t, r = torch.tensor([1.0, 2.0]), torch.tensor([0.9, 1.8])
    (consistency_loss(denoiser, of_images(x, noise, t, r), condition, 0.1) / (t - r)).mean().backward()
    got = [p.grad.clone() for p in denoiser.parameters()]
    denoiser.zero_grad()
    with torch.no_grad():
        target = denoiser(x + r[:, None, None, None] * noise, r, condition)
    seen = denoiser(x + t[:, None, None, None] * noise, t, condition)
    c = 0.1 * SIZE
    (((seen - target).square().sum((1, 2, 3)) + c * c).sqrt() / (t - r)).mean().backward()
    for mine, theirs in zip(got, denoiser.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs.grad, atol=1e-5, rtol=1e-4)


def test_a_pair_at_zero_leaves_the_gradient_finite():
    denoiser = tiny_denoiser().requires_grad_(True)
    x, noise = torch.randn(2, 1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    pair = of_images(x, noise, torch.tensor([LOWEST]), torch.zeros(1))
    consistency_loss(denoiser, pair, random_condition(1), 1e-3).sum().backward()
    assert all(p.grad.isfinite().all() for p in denoiser.parameters())


def test_a_teachers_step_is_the_one_that_a_sampler_takes():
    teacher, condition = GaussianDenoiser(mean=0.3, std=0.5), random_condition(3)
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)) * 40
    t, r = torch.tensor([0.3, 2.0, 40.0]), torch.tensor([0.0, 1.5, 39.0])
    clean = teacher(x, t, condition)
    pair = of_teacher(x, t, r, clean)
    torch.testing.assert_close(pair.earlier, x + level(r - t) * (x - clean) / level(t))  # Euler's, along Eq. (1) of EDM
    torch.testing.assert_close(pair.earlier[0], clean[0])
    assert pair.x is x and pair.clean is clean


def test_a_net_that_predicts_what_is_clean_sees_what_is_there_where_there_is_no_noise():
    denoiser, condition = tiny_denoiser(preconditioning="x"), random_condition(4)
    x = torch.randn(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([LOWEST, BOUNDARY, 0.5, 80.0])
    plain, seen = denoiser(x, sigma, condition), seen_clean(denoiser, x, sigma, condition, BOUNDARY)
    torch.testing.assert_close(seen[0], x[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[1], (plain[1] + x[1]) / 2)
    torch.testing.assert_close(seen[2:], plain[2:], atol=0.05, rtol=0)
    assert torch.equal(seen_clean(denoiser, x, sigma, condition, 0.0), plain)


# A student that can be checked: two coordinates, each normal


MEAN, STD = torch.tensor([0.4, -0.3]), torch.tensor([0.6, 0.25])


class PointDenoiser(nn.Module):
    """A small net for "images" of two channels and one pixel, preconditioned as EDM's or predicting what is clean."""

    def __init__(self, predicts: str = "edm"):
        super().__init__()
        self.predicts = predicts
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))

    def forward(self, x, sigma, condition):
        s = sigma[:, None]
        total = s**2 + 0.25
        points = x.flatten(1)
        out = self.net(torch.cat([points * total.rsqrt(), s.log() / 4], 1))
        clean = out if self.predicts == "x" else points * 0.25 / total + out * s * 0.5 * total.rsqrt()
        return clean[:, :, None, None]


def learned(denoiser, loss, steps: int, mean: float, std: float) -> None:
    """Adam with a rate that falls to zero, on fresh points at log-normal noise levels."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=3e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        x, noise = torch.randn(2, 256, 2, 1, 1, generator=generator)
        x = MEAN[:, None, None] + STD[:, None, None] * x
        sigma = (torch.randn(256, generator=generator) * std + mean).exp()
        loss(step / steps, x, noise, sigma).backward()
        nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize(("predicts", "boundary", "within"), [("edm", 0.0, 0.12), ("x", BOUNDARY, 0.25)])
def test_a_tuned_students_pictures_follow_the_closed_form_in_one_and_two_steps(predicts, boundary, within):
    denoiser, config, condition = PointDenoiser(predicts), ConsistencyConfig(), null_condition(256, 4)

    def denoising(share, x, noise, sigma):
        clean = denoiser(x + sigma[:, None, None, None] * noise, sigma, condition)
        weight = (1 / sigma**2 + 4).clamp(max=math.inf if predicts == "edm" else 100)
        return (weight[:, None, None, None] * (clean - x).square()).mean()

    def tuning(share, x, noise, t):
        r = earlier(config, t, stage(config, share))
        return (
            consistency_loss(denoiser, of_images(x, noise, t, r), condition, config.huber, boundary) / (t - r)
        ).mean()

    noise = torch.randn(2000, 2, 1, 1, generator=torch.Generator().manual_seed(2))
    total = (STD**2 + LEVELS[1][0] ** 2).sqrt()
    exact = MEAN + (LEVELS[1][0] * noise.flatten(1) - MEAN) * STD / total  # where the flow takes the noise

    def painted(steps):
        null = null_condition(len(noise), 4)
        *_, last = sample_student(denoiser, noise, null, steps=steps, generators=seeds(*range(len(noise))))
        return last.denoised.flatten(1)

    learned(denoiser, denoising, 300, -1.2, 1.2)
    if predicts == "edm":
        assert (painted(1).std(0) < 0.5 * STD).all()  # a denoiser sees little but the mean behind so much noise
    learned(denoiser, tuning, 1200, -1.1, 2.0)
    one, two = painted(1), painted(2)
    assert ((one - exact).square().mean(0).sqrt() < 0.25 * STD).all()
    assert ((two.mean(0) - MEAN).abs() < 0.1 * STD).all()
    torch.testing.assert_close(two.std(0), STD, rtol=within, atol=0)
