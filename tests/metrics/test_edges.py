"""Edges in the same places correlate, whatever lies between them; PSNR has its closed form."""

import pytest
import torch

from pdm.metrics.edges import edge_correlation, edges, peak_signal_to_noise


def square(top: int, left: int, bright: float = 1.0) -> torch.Tensor:
    picture = torch.zeros(1, 3, 16, 16)
    picture[..., top : top + 6, left : left + 6] = bright
    return picture


def test_edges_are_where_brightness_changes_and_a_ramp_has_the_same_everywhere():
    found = edges(square(4, 4))[0]
    assert found[7, 7] == 0 and found[7, 3] == found[7, 4] == 4 and found[1, 1] == 0
    ramp = edges(torch.arange(8.0).expand(1, 1, 8, 8))[0]
    assert torch.equal(ramp[:, 1:-1], torch.full((8, 6), 8.0))


def test_the_same_outline_correlates_whatever_its_colours():
    one, inverse, elsewhere = square(4, 4), 5 - 2 * square(4, 4), square(9, 9)
    assert edge_correlation(one, inverse).item() == pytest.approx(1)
    assert edge_correlation(one, elsewhere).item() < 0.2
    assert edge_correlation(one, torch.zeros(1, 3, 16, 16)).item() == 0


def test_psnr_of_pictures_that_differ_by_ten_levels():
    a = torch.full((2, 1, 4, 4), 100, dtype=torch.uint8)
    b = torch.stack([a[0] + 10, a[0]])
    assert peak_signal_to_noise(a, b).tolist() == pytest.approx([10 * torch.log10(torch.tensor(650.25)).item(), 60])
