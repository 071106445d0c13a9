"""How prototypes share out a data set."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.metrics.clustering import mutual_information, perplexity, prototypes_used, usage_shares

assignments = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@given(assignments)
def test_shares_are_counts_over_the_total_and_unused_prototypes_have_none(ids):
    shares = usage_shares(torch.tensor(ids), 7)
    counted = Counter(ids)
    assert shares.tolist() == pytest.approx([counted[k] / len(ids) for k in range(7)])
    assert prototypes_used(shares) == len(counted)


def test_no_assignment_at_all_is_refused():
    with pytest.raises(ValueError, match="expected at least one assignment"):
        usage_shares(torch.tensor([], dtype=torch.long), 3)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_perplexity_of_equal_use_is_the_number_of_prototypes(count):
    assert perplexity(torch.full((count,), 1 / count)) == pytest.approx(count)


def test_perplexity_of_a_single_used_prototype_is_one():
    assert perplexity(torch.tensor([0.0, 1.0, 0.0])) == pytest.approx(1)


@given(assignments)
def test_perplexity_is_the_exponential_of_the_entropy_whatever_the_order(ids):
    shares = usage_shares(torch.tensor(ids), 6)
    naive = math.exp(-sum(c / len(ids) * math.log(c / len(ids)) for c in Counter(ids).values()))
    assert perplexity(shares) == pytest.approx(naive) == pytest.approx(perplexity(shares.flip(0)))


def test_a_clustering_that_is_the_classes_under_other_names_shares_all_information():
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    assert mutual_information(torch.tensor([5, 5, 0, 0, 3, 3]), labels) == pytest.approx(1)


def test_a_clustering_independent_of_the_classes_shares_none():
    labels = torch.tensor([0, 0, 1, 1])
    assert mutual_information(torch.tensor([0, 1, 0, 1]), labels) == pytest.approx(0, abs=1e-12)


def test_splitting_a_class_costs_as_the_formula_says():
    # I = ln 2, H(labels) = ln 2, H(ids) = 3/2 ln 2, normalised by the mean of the entropies: 1 / 1.25
    labels, ids = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 2, 2])
    assert mutual_information(ids, labels) == pytest.approx(0.8)


def test_images_without_a_label_do_not_count():
    labels = torch.tensor([0, 0, 1, 1, -1, -1])
    assert mutual_information(torch.tensor([0, 0, 1, 1, 0, 1]), labels) == pytest.approx(1)
    assert mutual_information(torch.tensor([0, 1]), torch.tensor([-1, -1])) is None
