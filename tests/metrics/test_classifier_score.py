"""Classifier score: its extremes, and the Inception score of torchmetrics on the same class scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.inception import InceptionScore

from pdm.metrics.classifier_score import classifier_score


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torchmetrics warns of its memory, and of one split
@given(st.integers(0, 1000), st.sampled_from([1, 4, 10]))
def test_it_is_the_inception_score_that_torchmetrics_computes_from_the_same_scores(seed, splits):
    scores = 2 * torch.randn(60, 7, generator=generator(seed))
    theirs = InceptionScore(feature=torch.nn.Identity(), splits=splits)
    theirs.update(scores)
    torch.manual_seed(seed)  # both shuffle by the same seed
    mean, sd = theirs.compute()
    ours = classifier_score(scores, generator(seed), splits)
    assert ours[0] == pytest.approx(mean.item(), rel=1e-5)
    if splits > 1:  # theirs divides by splits - 1
        assert ours[1] == pytest.approx(sd.item() * ((splits - 1) / splits) ** 0.5, rel=1e-3)


def test_it_is_the_number_of_classes_where_all_are_sure_and_equally_frequent():
    scores = 1000 * torch.eye(5).repeat(12, 1)
    assert classifier_score(scores, generator(), splits=1) == (pytest.approx(5), 0)


def test_it_is_one_where_all_images_look_alike():
    assert classifier_score(torch.tensor([[3.0, 1.0, 0.0]]).repeat(40, 1), generator()) == pytest.approx((1, 0))


@pytest.mark.parametrize("bad", [torch.zeros(19, 3), torch.zeros(20), torch.full((30, 3), torch.nan)])
def test_too_few_rows_or_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="^scores: expected at least 20 rows of finite numbers"):
        classifier_score(bad, generator())
