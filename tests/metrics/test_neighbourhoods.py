"""Precision, recall, density and coverage: pictures one can draw, properties, and scikit-learn's brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from pdm.metrics import distances
from pdm.metrics.density_coverage import density_and_coverage
from pdm.metrics.neighbourhoods import inside
from pdm.metrics.precision_recall import precision, recall

seeds = st.integers(0, 10_000)


def points(seed: int, rows: int, dim: int = 4) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


def brute_force(x: torch.Tensor, y: torch.Tensor, k: int) -> np.ndarray:
    """Whether each x (N, D) is in the ball of each y (M, D) that reaches to its k-th neighbour: (N, M)."""
    x, y = x.double().numpy(), y.double().numpy()
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(y)
    reach = search.kneighbors(y)[0][:, -1]
    return np.array([[np.linalg.norm(a - b) <= r + 1e-9 for b, r in zip(y, reach, strict=True)] for a in x])


@given(seeds, st.integers(1, 5), st.integers(8, 30), st.integers(8, 30))
def test_all_four_agree_with_scikit_learns_brute_force(seed, k, n, m):
    x, y = points(seed, n), 0.7 * points(seed + 1, m) + 0.3
    in_reference, in_samples = brute_force(x, y, k), brute_force(y, x, k)
    assert precision(x, y, k) == pytest.approx(in_reference.any(1).mean())
    assert recall(x, y, k) == pytest.approx(in_samples.any(1).mean())
    assert density_and_coverage(x, y, k) == pytest.approx((in_reference.sum() / (k * n), in_reference.any(0).mean()))


@given(seeds)
def test_precision_and_recall_swap_roles_with_the_sets(seed):
    x, y = points(seed, 20), 0.5 * points(seed + 1, 25)
    assert precision(x, y) == recall(y, x)
    assert recall(x, y) == precision(y, x)


@given(seeds, st.integers(1, 6))
def test_a_set_covers_itself_and_each_of_its_balls_holds_k_and_its_centre(seed, k):
    x = points(seed, 15)
    assert (precision(x, x, k), recall(x, x, k)) == (1, 1)
    assert density_and_coverage(x, x, k) == (pytest.approx((k + 1) / k), 1)


@given(seeds)
def test_order_shift_and_scale_of_both_sets_do_not_matter(seed):
    x, y = points(seed, 18).double(), points(seed + 1, 18).double()
    plain = (precision(x, y), recall(x, y), *density_and_coverage(x, y))
    order = torch.randperm(18, generator=torch.Generator().manual_seed(seed))
    assert (precision(x[order], y.flip(0)), recall(x[order], y.flip(0)), *density_and_coverage(x[order], y)) == plain
    x, y = 3 * x + 2, 3 * y + 2
    assert (precision(x, y), recall(x, y), *density_and_coverage(x, y)) == plain


def test_sets_that_lie_apart_share_nothing():
    x, y = points(0, 20), points(1, 20) + 100
    assert (precision(x, y), recall(x, y), *density_and_coverage(x, y)) == (0, 0, 0, 0)


def test_samples_of_half_of_the_data_are_precise_but_recall_and_cover_half():
    left, right = points(0, 100), points(1, 100) + 50
    real, samples = torch.cat([left, right]), torch.cat([points(2, 100), points(3, 100)])
    assert precision(samples, real) > 0.9 and recall(samples, real) == pytest.approx(0.5, abs=0.05)
    assert density_and_coverage(samples, real)[1] == pytest.approx(0.5, abs=0.05)


def test_two_draws_of_one_gaussian_have_density_one_and_the_coverage_of_theory():
    x, y = points(0, 1500, 8), points(1, 1500, 8)
    density, coverage = density_and_coverage(x, y)
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.02)  # Naeem et al. 2020, for sets of one size


def test_one_outlier_of_the_data_takes_in_samples_far_from_all_other_data_and_density_hardly_notices():
    real = torch.cat([points(0, 99), torch.full((1, 4), 40.0)])
    samples = points(1, 50) + 25
    assert precision(samples, real) == 1  # its ball reaches back to the crowd
    assert density_and_coverage(samples, real)[0] == pytest.approx(1 / 5)


def test_blocks_are_the_distances_in_order_whatever_their_size(monkeypatch):
    x, y = points(0, 23), points(1, 7)
    whole = torch.cat(list(distances.distance_blocks(x, y)))
    assert torch.allclose(whole, (x[:, None] - y[None]).double().norm(dim=-1))
    parts = list(distances.distance_blocks(x, y, entries=3 * 7))
    assert [len(part) for part in parts] == [3] * 7 + [2]
    assert torch.allclose(torch.cat(parts), whole)
    assert [part.shape for part in inside(x, y, 3)] == [(23, 7)]


@pytest.mark.parametrize("measure", [precision, recall, density_and_coverage])
def test_wrong_shapes_and_too_few_rows_are_refused_in_a_line(measure):
    for bad, said in (
        (torch.zeros(2, 4), "at least"),
        (torch.zeros(9), "finite numbers"),
        (torch.full((9, 4), torch.nan), "finite numbers"),
        (torch.zeros(9, 3), "columns"),
    ):
        with pytest.raises(ValueError, match=f"^(features|reference): expected .*{said}"):
            measure(bad, points(0, 9))
