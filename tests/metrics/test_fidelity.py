"""Prototype fidelity on points whose nearest prototypes one can see."""

import pytest
import torch

from pdm.metrics.fidelity import prototype_fidelity

LINE = torch.tensor([[0.0], [10.0], [20.0], [30.0]])  # four prototypes on a line


def test_images_on_their_prototype_are_all_faithful():
    assert prototype_fidelity(LINE + 1, LINE, torch.arange(4)) == 1.0


def test_only_those_whose_own_prototype_is_nearest_count():
    features = torch.tensor([[1.0], [9.0], [26.0], [29.0]])
    assert prototype_fidelity(features, LINE, torch.tensor([0, 0, 2, 3])) == 0.5


def test_being_second_counts_among_the_top_two_and_being_third_does_not():
    features = torch.tensor([[9.0], [24.0]])  # the second is nearest to 2, then to 3, then to 1
    assert prototype_fidelity(features, LINE, torch.tensor([0, 1]), top=1) == 0.0
    assert prototype_fidelity(features, LINE, torch.tensor([0, 1]), top=2) == 0.5
    assert prototype_fidelity(features, LINE, torch.tensor([0, 1]), top=3) == 1.0


@pytest.mark.parametrize("top", [0, 5])
def test_a_top_beyond_the_prototypes_is_refused(top):
    with pytest.raises(ValueError, match=f"^top: expected from 1 to 4, got {top}"):
        prototype_fidelity(LINE, LINE, torch.arange(4), top)
