"""What a net takes of a large canvas: statistics of each region by itself, attention to its own part of a window."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pdm.model.local import RegionNorm, by_region, local_attention, shares_of

WINDOW = 4


@pytest.fixture
def norm() -> nn.GroupNorm:
    torch.manual_seed(0)
    norm = nn.GroupNorm(2, 4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm.requires_grad_(False)


def two_regions(height: int = 4, width: int = 12) -> torch.Tensor:
    places = torch.zeros(1, 2, height, width)
    places[:, 0, :, : width // 2], places[:, 1, :, width // 2 :] = 1, 1
    return places


def test_each_region_is_normalised_as_if_it_were_alone(norm):
    x = torch.randn(1, 4, 4, 12)
    x[..., 6:] = 5 * x[..., 6:] + 7
    ours = RegionNorm.of(norm)
    assert torch.equal(ours(x), norm(x))  # outside of it nothing changes
    with by_region(shares_of(two_regions(), [(4, 12)], {48: (4, 12, WINDOW)}, torch.float32)):
        found = ours(x)
    assert torch.allclose(found, torch.cat([norm(x[..., :6]), norm(x[..., 6:])], -1), atol=1e-5)
    assert torch.equal(ours(x), norm(x))


def test_on_a_large_canvas_every_other_place_tells_a_region_and_none_is_missed(norm):
    """Even one of a single place between those that are counted, whose spread nobody could see."""
    x = torch.randn(1, 4, 64, 66, generator=torch.Generator().manual_seed(0))
    places = torch.cat([two_regions(64, 66), torch.zeros(1, 1, 64, 66)], 1)
    places[:, 1, 33, 55], places[:, 2, 33, 55] = 0, 1
    ours = RegionNorm.of(norm)
    with by_region(shares_of(places, [(64, 66)], {}, torch.float32)):
        found = ours(x)
    left = norm(x[..., :33])
    assert (found[..., 2:33] - left[..., 2:]).abs().max() < 0.2  # the statistics of a quarter of its places
    assert found.abs().max() < 2 * left.abs().max() + 10


def blocks(query, key, value, columns: slice) -> torch.Tensor:
    """Plain attention among the places (rows 0 to 3) of some columns, each (1, heads, 4, columns, head_dim)."""
    parts = [t.unflatten(2, (4, 12))[:, :, :, columns].flatten(2, 3) for t in (query, key, value)]
    return F.scaled_dot_product_attention(*parts).unflatten(2, (4, -1))


def test_a_place_attends_to_the_window_round_it_and_there_to_its_own_region():
    query, key, value = torch.randn(3, 1, 2, 4 * 12, 8, generator=torch.Generator().manual_seed(0))
    grid = (4, 12, WINDOW)
    found = local_attention(query, key, value, grid).unflatten(2, (4, 12))
    assert torch.allclose(found[:, :, :, :2], blocks(query, key, value, slice(0, 4))[:, :, :, :2], atol=1e-6)
    assert torch.allclose(found[:, :, :, 4:6], blocks(query, key, value, slice(3, 7))[:, :, :, 1:3], atol=1e-6)
    with by_region(shares_of(two_regions(), [(4, 12)], {48: (4, 12, WINDOW)}, torch.float32)):
        kept_apart = local_attention(query, key, value, grid).unflatten(2, (4, 12))
    of_its_own = blocks(query, key, value, slice(3, 6))[:, :, :, 1:3]  # the window goes over the border at 6
    assert torch.allclose(kept_apart[:, :, :, 4:6], of_its_own, atol=1e-2)
    assert not torch.allclose(kept_apart[:, :, :, 4:6], found[:, :, :, 4:6], atol=1e-2)
    assert torch.allclose(kept_apart[:, :, :, :2], found[:, :, :, :2], atol=1e-6)
