"""Noise turned towards other noise: the angle is kept, and so is the length."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.sampling.turning import turned
from tests.tiny import seeds


def draw(*seed: int, scale: float = 1.0) -> torch.Tensor:
    return torch.stack([scale * torch.randn(1, 6, 6, generator=g) for g in seeds(*seed)])


@given(st.floats(0.5, 180))
def test_noise_is_turned_by_the_angle_and_stays_as_long(degrees):
    noise = draw(1, 2)
    fresh = noise.flip(2)  # as long
    end = turned(noise, fresh, degrees)
    length, cosine = noise.flatten(1).norm(dim=1), torch.cosine_similarity(noise.flatten(1), end.flatten(1))
    torch.testing.assert_close(end.flatten(1).norm(dim=1), length)
    assert torch.rad2deg(cosine.clamp(-1, 1).acos()).tolist() == pytest.approx([degrees] * 2, abs=0.1)
    assert torch.equal(turned(noise, fresh, 0), noise)


def test_noise_of_a_picture_takes_on_the_length_of_what_is_drawn():
    fresh = draw(3)
    short = 0.7 * fresh.flip(2)
    lengths = [turned(short, fresh, degrees).norm().item() for degrees in (0, 30, 60, 90)]
    assert lengths == sorted(lengths) and lengths[-1] == pytest.approx(fresh.norm().item())
    assert abs((turned(short, fresh, 90) * short).sum()) < 1e-3


def test_turns_can_be_stacked_and_each_row_turns_towards_its_own():
    noise = draw(1, 2)
    fresh = noise.flip(2)
    both = turned(turned(noise, fresh, 30), fresh, 20)  # in one plane: angles add up
    torch.testing.assert_close(both, turned(noise, fresh, 50), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(turned(noise, fresh, 40)[1:], turned(noise[1:], fresh[1:], 40))
