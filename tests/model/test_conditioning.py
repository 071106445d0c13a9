"""Conditions: rows of tokens and weights, and the mix of them that training sees."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.model.conditioning import (
    Condition,
    as_tokens,
    from_neighbours,
    from_vectors,
    null_condition,
    training_condition,
)
from pdm.model.features import unit
from tests.tiny import random_condition

IDS = torch.tensor([[3, 1], [0, 4]])
Z = unit(torch.arange(6.0) - 2)
WEIGHTS = torch.tensor([[0.75, 0.25], [0.5, 0.5]])


def trained(rows: int = 2000, **shares) -> tuple[Condition, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    vectors = unit(torch.randn(5, 6))
    ids, weights = IDS[:1].repeat(rows, 1), WEIGHTS[:1].repeat(rows, 1)
    generator = torch.Generator().manual_seed(0)
    options = {"nearest_only": 0.0, "blended": 0.0, "spherical": True, **shares}
    z = Z.expand(rows, -1)
    return training_condition(vectors, z, ids, weights, generator=generator, **options), vectors, ids, weights


def test_the_null_condition_is_one_null_token_a_row():
    null = null_condition(3, 6, tokens=2)
    assert null.is_null.all() and (null.ids == -1).all()
    assert null.weights.tolist() == [[1.0, 0.0]] * 3


@given(st.integers(1, 40), st.floats(0.01, 100))
def test_tokens_have_the_norm_sqrt_d_whatever_the_vectors_norm(dim, scale):
    tokens = as_tokens(scale * torch.ones(2, dim))
    torch.testing.assert_close(tokens, torch.ones(2, dim), rtol=1e-4, atol=1e-5)
    assert torch.equal(as_tokens(scale * torch.ones(2, dim), spherical=False), scale * torch.ones(2, dim))


def test_rows_of_ids_pick_their_vectors():
    vectors = torch.randn(5, 6)
    condition = from_vectors(vectors, IDS, WEIGHTS)
    for b in range(2):
        for m in range(2):
            v = vectors[IDS[b, m]]
            torch.testing.assert_close(condition.tokens[b, m], v / v.norm() * 6**0.5)
    assert torch.equal(condition.weights, WEIGHTS) and torch.equal(condition.ids, IDS) and not condition.is_null.any()
    assert torch.equal(from_vectors(vectors, IDS, WEIGHTS, spherical=False).tokens, vectors[IDS])


def test_retrieved_neighbours_weigh_the_same_and_none_is_null():
    vectors, ids = torch.randn(2, 3, 6), torch.tensor([[4, 0, 2], [-1, 1, 3]])
    condition = from_neighbours(vectors, ids)
    torch.testing.assert_close(condition.tokens, vectors / vectors.norm(dim=-1, keepdim=True) * 6**0.5)
    assert torch.equal(condition.weights, torch.full((2, 3), 1.0 / 3)) and torch.equal(condition.ids, ids)
    assert not condition.is_null.any()


def test_training_rows_are_the_plain_mix_when_nothing_else_is_asked():
    condition, vectors, ids, weights = trained(50)
    torch.testing.assert_close(condition.tokens, as_tokens(vectors)[ids])
    assert torch.equal(condition.weights, weights)


def test_a_row_cut_to_the_nearest_has_all_weight_on_it():
    condition, vectors, *_ = trained(50, nearest_only=1.0)
    assert (condition.weights == torch.tensor([1.0, 0.0])).all()
    torch.testing.assert_close(condition.tokens[:, 0], as_tokens(vectors[3]).expand(50, -1))


def test_a_blended_row_is_its_own_feature_pulled_up_to_halfway_towards_any_prototype():
    condition, vectors, *_ = trained(400, blended=1.0, spherical=False)
    assert (condition.weights == torch.tensor([1.0, 0.0])).all()
    offset, ways = condition.tokens[:, 0] - Z, vectors - Z
    t = (offset @ ways.T) / ways.square().sum(1)  # of each row along the way to each prototype
    misses = (offset[:, None] - t[..., None] * ways).norm(dim=-1)
    towards = misses.argmin(1)
    assert misses.amin(1).max() < 1e-5 and set(towards.tolist()) == set(range(5))
    t = t.gather(1, towards[:, None])
    assert 0 <= t.min() and t.max() <= 0.5 and t.mean().item() == pytest.approx(0.25, abs=0.02)
    on_sphere, *_ = trained(400, blended=1.0)
    torch.testing.assert_close(on_sphere.tokens[:, 0], as_tokens(condition.tokens[:, 0]))


def test_the_shares_of_the_three_kinds_of_rows_are_as_configured():
    condition, vectors, *_ = trained(4000, nearest_only=0.5, blended=0.2)
    nearest = (condition.tokens[:, 0] - as_tokens(vectors[3])).abs().amax(1) < 1e-5
    single = condition.weights[:, 0] == 1
    assert (single & nearest).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert (single & ~nearest).float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert (~single).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_dropped_rows_are_null_as_well_and_the_original_is_untouched():
    condition = random_condition(3).dropped(torch.tensor([True, False, False]))
    both = condition.dropped(torch.tensor([False, True, False]))
    assert both.is_null.tolist() == [True, True, False]
    assert condition.is_null.tolist() == [True, False, False]


def test_indexing_takes_whole_rows():
    condition = random_condition(4)
    part = condition[torch.tensor([2, 0])]
    assert len(part) == 2
    for field in ("tokens", "weights", "ids", "is_null"):
        assert torch.equal(getattr(part, field), getattr(condition, field)[[2, 0]])


def test_parts_that_do_not_fit_together_are_our_own_mistake():
    with pytest.raises(AssertionError):
        Condition(torch.zeros(2, 3, 4), torch.ones(2, 2), torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool))
