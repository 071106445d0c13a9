"""Kernel distance: naive sums, no bias, and what a subset is."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.metrics.kid import kernel_distance


def points(seed: int, rows: int, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 3, generator=generator, dtype=torch.float64) + shift


def naive_mmd(x: torch.Tensor, y: torch.Tensor) -> float:
    """Gretton et al. 2012, Eq. 3, pair by pair."""

    def k(a, b) -> float:
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    x, y = x.tolist(), y.tolist()
    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    xy = sum(k(a, b) for a in x for b in y) / (n * m)
    return xx + yy - 2 * xy


def whole(x: torch.Tensor, y: torch.Tensor) -> float:
    """The distance of two sets of one size, taken whole."""
    return kernel_distance(x, y, subsets=1)[0]


@given(st.integers(0, 10_000), st.integers(2, 7))
def test_the_squared_mmd_is_the_naive_sum_over_pairs(seed, n):
    x, y = points(seed, n), points(seed + 1, n, shift=0.5)
    assert whole(x, y) == pytest.approx(naive_mmd(x, y), rel=1e-9, abs=1e-9)


def test_it_has_no_bias_two_samples_of_one_distribution_average_to_nothing():
    values = torch.tensor([whole(points(2 * i, 8), points(2 * i + 1, 8)) for i in range(500)])
    error = values.std() / len(values) ** 0.5
    assert values.mean().abs() < 4 * error  # a biased estimate is off by about 10 of these
    assert (values < 0).any()


def test_it_grows_with_the_shift_between_two_distributions():
    distances = [kernel_distance(points(0, 200), points(1, 200, shift), subsets=5)[0] for shift in (0.0, 0.5, 1.0)]
    assert distances[0] < distances[1] < distances[2]


def test_a_subset_as_large_as_the_sets_is_the_sets():
    x, y = points(0, 12), points(1, 12, 0.3)
    mean, spread = kernel_distance(x, y, 3, subsets=4)
    assert mean == pytest.approx(naive_mmd(x, y))
    assert spread == pytest.approx(0, abs=1e-9)


def test_subsets_differ_and_a_seed_gives_the_same_again():
    x, y = points(0, 40), points(1, 50, 0.3)
    runs = [kernel_distance(x, y, seed, subsets=6, subset_size=10) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][1] > 0


@pytest.mark.parametrize("rows, subsets", [(1, 5), (5, 0)])
def test_too_few_rows_or_subsets_are_refused(rows, subsets):
    with pytest.raises(ValueError, match="^features: expected at least 2 rows and 1 subset"):
        kernel_distance(points(0, rows), points(1, 9), subsets=subsets)


def test_nobody_elses_randomness_is_touched():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    kernel_distance(points(0, 20), points(1, 20), 5, subsets=2)
    assert torch.equal(torch.rand(3), expected)
