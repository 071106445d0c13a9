"""Memorised share: copies are found, distant samples are not, and unseen real images set the scale."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.metrics.memorisation import memorised_share, nearest_distances


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_the_nearest_distance_is_the_smallest_of_all_whatever_the_chunk(seed, chunk):
    generator = torch.Generator().manual_seed(seed)
    x, bank = torch.randn(9, 3, generator=generator), torch.randn(6, 3, generator=generator)
    naive = [min(((a - b) ** 2).sum().sqrt().item() for b in bank) for a in x]
    assert nearest_distances(x, bank, chunk * len(bank)).tolist() == pytest.approx(naive, rel=1e-4, abs=1e-5)


@pytest.fixture
def sets() -> tuple[torch.Tensor, torch.Tensor]:
    """A training set at whole numbers; test images at distances 0.01, 0.02, ... 1.00 from one of them."""
    train = torch.arange(0.0, 1000.0, 10)[:, None]
    return train, train + torch.arange(1, 101)[:, None] / 100


def test_copies_are_all_memorised_and_new_pictures_are_not(sets):
    train, test = sets
    assert memorised_share(train.clone(), train, test) == 1.0
    assert memorised_share(train + 3, train, test) == 0.0
    assert memorised_share(torch.cat([train[:25], train[:75] + 3]), train, test) == 0.25


@pytest.mark.parametrize("percentile", [1.0, 10.0, 50.0])
def test_unseen_real_images_score_about_the_percentile(sets, percentile):
    train, test = sets
    assert memorised_share(test, train, test, percentile) == pytest.approx(percentile / 100, abs=0.011)


def test_the_threshold_is_the_percentile_of_the_test_images(sets):
    train, test = sets
    near = train + 0.2  # nearer than 80 % of the test images
    assert memorised_share(near, train, test, percentile=10) == 0.0
    assert memorised_share(near, train, test, percentile=30) == 1.0


def test_the_scale_is_the_distance_of_test_images_to_the_training_set_and_not_the_other_way_round(sets):
    train, test = sets
    few = test[:4]  # at distances up to 0.04; most training images are far from these
    assert memorised_share(train + 3, train, few, percentile=50) == 0.0
    assert memorised_share(train + 0.02, train, few, percentile=50) == 1.0


@pytest.mark.parametrize("percentile", [0, 100, -1])
def test_a_percentile_that_is_none_is_refused(sets, percentile):
    with pytest.raises(ValueError, match="^percentile: expected between 0 and 100"):
        memorised_share(*sets, sets[1], percentile)
