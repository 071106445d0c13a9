"""Classifier score: its extremes, and the formula written out."""

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.metrics.classifier_score import classifier_score


def naive(scores: torch.Tensor) -> float:
    """exp of the mean KL divergence, row by row."""
    rows = [[math.exp(v) / sum(map(math.exp, row)) for v in row] for row in scores.tolist()]
    marginal = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return math.exp(sum(p * math.log(p / m) for row in rows for p, m in zip(row, marginal, strict=True)) / len(rows))


@given(st.integers(0, 1000))
def test_it_is_the_mean_over_splits_of_the_formula(seed):
    scores = 2 * torch.randn(12, 7, generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)
    parts = [naive(part) for part in scores[torch.randperm(12)].chunk(3)]
    mean, spread = classifier_score(scores, seed, splits=3)
    assert mean == pytest.approx(statistics.mean(parts), rel=1e-5)
    assert spread == pytest.approx(statistics.stdev(parts), rel=1e-4)


def test_it_is_the_number_of_classes_where_all_are_sure_and_equally_frequent():
    scores = 100 * torch.eye(5).repeat(2000, 1)
    assert classifier_score(scores, splits=2)[0] == pytest.approx(5, rel=1e-3)


def test_it_is_one_where_all_images_look_alike():
    assert classifier_score(torch.tensor([[3.0, 1.0, 0.0]]).repeat(40, 1)) == pytest.approx((1, 0))


@pytest.mark.parametrize("bad", [torch.zeros(19, 3), torch.zeros(20), torch.full((30, 3), torch.nan)])
def test_too_few_rows_or_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="^scores: expected at least 20 rows of finite numbers"):
        classifier_score(bad)
