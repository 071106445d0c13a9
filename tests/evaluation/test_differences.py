"""What is called a difference."""

import math

import pytest

from pdm.evaluation.differences import differs, noise_floor


def test_only_what_exceeds_the_floor_is_a_difference_in_either_direction():
    assert differs(5.0, 5.6, 0.5) and differs(5.6, 5.0, 0.5)
    assert not differs(5.0, 5.5, 0.5) and not differs(5.5, 5.0, 0.5)
    assert not differs(1.0, 1.0, 0.0) and differs(1.0, 1.0 + 1e-9, 0.0)


@pytest.mark.parametrize("floor", [-0.1, math.nan, math.inf])
def test_a_floor_that_is_none_is_refused(floor):
    with pytest.raises(ValueError, match="^floor: expected a finite number of at least 0"):
        differs(1.0, 2.0, floor)


def test_the_floor_is_the_distance_by_metric_without_spreads_and_what_is_missing():
    a = {"frechet": 3.0, "kernel_sd": 0.5, "nmi": None, "recall": 0.5, "top": 1.0}
    b = {"frechet": 2.5, "kernel_sd": 0.1, "nmi": 0.3, "recall": 0.75}
    assert noise_floor(a, b) == noise_floor(b, a) == {"frechet": 0.5, "recall": 0.25}
