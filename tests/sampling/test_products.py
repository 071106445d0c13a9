"""Products of predictions: the formula of the paper, its cost, and nothing at all where nothing is asked for."""

import torch

from pdm.model.conditioning import Condition, padded
from pdm.sampling.solvers import guided
from tests.tiny import random_condition, tiny_denoiser


def answered(net, asking) -> tuple[torch.Tensor, int]:
    ask = next(asking)
    try:
        asking.send(net(*ask))
    except StopIteration as end:
        return end.value, len(ask.x)
    raise AssertionError("asked twice")


def one_token(batch: int, seed: int) -> Condition:
    whole = random_condition(batch, seed=seed)
    return Condition(whole.tokens[:, :1], torch.ones(batch, 1), whole.ids[:, :1], whole.is_null)


def test_each_prediction_adds_its_difference_to_that_of_null():
    net, condition = tiny_denoiser(), random_condition(2)
    x, sigma = torch.randn(2, 1, 16, 16), torch.tensor(1.3)
    others = [(one_token(2, 5), -1.5), (one_token(2, 6), torch.tensor([0.5, 0.0]))]
    null = condition.dropped(torch.ones(2, dtype=torch.bool))
    d, d_null, *beside = (net(x, sigma.expand(2), c) for c in (condition, null, *(c for c, _ in others)))
    for scale in (2.0, 1.0, torch.tensor([3.0, 1.0])):
        g = scale if isinstance(scale, float) else scale[:, None, None, None]
        expected = d_null + g * (d - d_null) - 1.5 * (beside[0] - d_null)
        expected = expected + torch.tensor([0.5, 0.0])[:, None, None, None] * (beside[1] - d_null)
        found, rows = answered(net, guided(x, sigma, condition, scale, others))
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        assert rows == 2 * 4  # null, the condition and two others


def test_a_token_without_weight_is_none():
    net, condition = tiny_denoiser(), one_token(2, 5)
    x, sigma = torch.randn(2, 1, 16, 16), torch.full((2,), 0.7)
    assert padded(condition, 1) is condition
    torch.testing.assert_close(net(x, sigma, condition), net(x, sigma, padded(condition, 4)), atol=1e-5, rtol=1e-5)
