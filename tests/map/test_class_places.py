"""Names of classes stand among their own."""

import pytest
import torch

from pdm.map.class_places import class_places


def blob(x: float, y: float, count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed)) * 0.3 + torch.tensor([x, y])


def test_a_class_of_its_own_is_named_in_its_middle():
    xy = torch.cat([blob(-8, 0, 200), blob(8, 3, 100)])
    places = class_places(xy, torch.tensor([0] * 200 + [1] * 100))
    assert places[0] == pytest.approx((-8, 0), abs=0.3) and places[1] == pytest.approx((8, 3), abs=0.3)


def test_a_class_in_two_parts_is_named_in_the_larger_one_and_not_between_them():
    xy = torch.cat([blob(-8, 0, 120), blob(8, 0, 80), blob(0, 0, 50)])
    places = class_places(xy, torch.tensor([0] * 200 + [1] * 50))
    assert places[0] == pytest.approx((-8, 0), abs=0.3)


def test_classes_that_lie_all_over_are_named_where_each_is_most_of_what_is_there():
    over = torch.rand(2000, 2, generator=torch.Generator().manual_seed(1)) * 20 - 10
    xy = torch.cat([over, blob(6, 6, 150), blob(-6, -6, 150)])
    labels = torch.cat([torch.arange(2000) % 2, torch.zeros(150), torch.ones(150)]).long()
    places = class_places(xy, labels)
    assert places[0] == pytest.approx((6, 6), abs=1) and places[1] == pytest.approx((-6, -6), abs=1)


def test_what_has_no_class_has_no_name():
    xy = blob(0, 0, 30)
    assert class_places(xy, torch.full((30,), -1)) == {}
    assert set(class_places(xy, torch.tensor([-1] * 10 + [2] * 20))) == {2}
    assert class_places(torch.ones(3, 2), torch.tensor([0, 0, 1]))[1] == (1.0, 1.0)
