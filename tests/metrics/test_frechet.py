"""Frechet distance: the closed forms, and an independent formula."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from pdm.metrics.frechet import frechet_distance

seeds = st.integers(0, 10_000)


def features(seed: int, rows: int = 40, dim: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(dim, dim, generator=generator, dtype=torch.float64)
    x = torch.randn(rows, dim, generator=generator, dtype=torch.float64)
    return x @ mix + torch.randn(dim, generator=generator)


def with_moments(mean: torch.Tensor, covariance: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rows of exactly this mean and this unbiased covariance."""
    x = torch.randn(30, len(mean), generator=generator, dtype=torch.float64)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), (x - x.mean(0)).T, upper=False)
    return (torch.linalg.cholesky(covariance) @ white).T + mean


@given(seeds, st.sampled_from([3, 40]))
def test_a_set_is_at_distance_zero_from_itself_even_with_fewer_rows_than_columns(seed, rows):
    x = features(seed, rows)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6 * x.square().sum().item())
    assert frechet_distance(x, x.flip(0)) == pytest.approx(0, abs=1e-6 * x.square().sum().item())


@given(seeds)
def test_gaussians_with_one_basis_have_the_closed_form(seed):
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64))
    a, b = torch.rand(2, 4, generator=generator, dtype=torch.float64) + 0.1
    m1, m2 = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    got = frechet_distance(*(with_moments(m, basis @ v.diag() @ basis.T, generator) for m, v in ((m1, a), (m2, b))))
    assert got == pytest.approx(((m1 - m2) ** 2).sum().item() + ((a.sqrt() - b.sqrt()) ** 2).sum().item(), rel=1e-6)


@given(seeds)
def test_any_two_sets_agree_with_the_formula_written_with_scipys_matrix_root(seed):
    x, y = features(seed), features(seed + 1, rows=60)
    s1, s2 = np.cov(x.numpy().T), np.cov(y.numpy().T)
    shift = x.numpy().mean(0) - y.numpy().mean(0)
    expected = shift @ shift + np.trace(s1 + s2 - 2 * np.real(sqrtm(s1 @ s2)))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(y, x) == pytest.approx(expected, rel=1e-6)


@given(seeds)
def test_a_shift_costs_its_squared_length_and_a_scale_its_square(seed):
    x, y = features(seed), features(seed + 1)
    shift = torch.arange(5.0, dtype=torch.float64)
    assert frechet_distance(x, x + shift) == pytest.approx(30, rel=1e-6)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * frechet_distance(x, y), rel=1e-6)


@pytest.mark.parametrize("bad", [torch.zeros(1, 3), torch.zeros(5), torch.full((4, 3), torch.nan)])
def test_features_that_have_no_covariance_are_refused(bad):
    with pytest.raises(ValueError, match="^features: expected at least 2 rows"):
        frechet_distance(bad, torch.zeros(4, 3))


def test_features_of_two_nets_are_refused():
    with pytest.raises(ValueError, match="expected the reference's 4 columns, got 3"):
        frechet_distance(torch.randn(5, 3), torch.randn(5, 4))
