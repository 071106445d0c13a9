"""Layouts: turned back to where they came from, made by UMAP from there, and a search that is exact."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.map.layout import EPOCHS, _normalised, aligned, lay_out_again, nearest
from pdm.map.projection import fit_map


def rows(count: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@given(st.floats(0, 6.28), st.booleans(), st.floats(0.01, 100), st.floats(-50, 50), st.integers(0, 99))
def test_a_turned_mirrored_scaled_and_shifted_layout_comes_back_exactly(angle, mirrored, scale, shift, seed):
    fixed = rows(20, 2, seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = scale * fixed @ (turn * [1, -1 if mirrored else 1]) + [shift, -shift]
    assert np.allclose(aligned(moved, fixed)(moved), fixed, atol=1e-4)


def test_no_other_turn_scale_or_shift_fits_better():
    fixed, moving = rows(30, 2, 1), rows(30, 2, 2)
    best = aligned(moving, fixed)(moving)
    middle = best.mean(0)
    error = np.square(best - fixed).sum()
    for angle, factor, shift in ((0.05, 1, 0), (-0.05, 1, 0), (0, 1.05, 0), (0, 0.95, 0), (0, 1, 0.05), (0, 1, -0.05)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        other = (best - middle) @ turn * factor + middle + shift
        assert np.square(other - fixed).sum() > error


def test_what_brings_the_images_back_takes_others_along():
    fixed = rows(20, 2)
    moved = 3 * fixed[:, ::-1] + 1
    assert np.allclose(aligned(moved[:15], fixed[:15])(moved[15:]), fixed[15:], atol=1e-5)


def test_neighbours_are_those_of_brute_force_and_each_row_is_at_zero_from_itself():
    features = rows(70, 6) + 100  # far from the origin, where rounding shows
    told = []
    ids, distances = nearest(features, 5, lambda *line: told.append(line))
    naive = np.linalg.norm(features[:, None].astype(np.float64) - features[None], axis=2)
    assert np.array_equal(ids, naive.argsort(1)[:, :5])
    assert np.allclose(distances, np.sort(naive, 1)[:, :5], atol=0.05) and (distances[:, 0] == 0).all()
    assert told[0] == ("neighbours", 0, 70)


def test_a_layout_lies_across_and_a_few_far_images_do_not_make_the_rest_small():
    high = rows(500, 2) * [1, 3]
    plain = _normalised(high)
    assert plain[:, 0].std() > 2 * plain[:, 1].std() and np.abs(plain).max() == pytest.approx(10)
    far = _normalised(np.concatenate([high, [[0, 60], [0, 90]]]))
    assert np.ptp(far[:500, 0]) > 0.35 * np.ptp(far[:, 0])  # 0.15 without
    assert abs(far[501, 0]) > abs(far[500, 0]) > np.abs(far[:500, 0]).max()  # still the farthest, in their order


@pytest.mark.slow  # UMAP compiles itself for some seconds
def test_a_layout_made_again_starts_from_the_one_before_and_counts_its_epochs():
    groups = np.repeat(np.eye(4, 8, dtype=np.float32) * 6, 15, 0) + rows(60, 8)
    start = np.repeat(np.array([[-8, -8], [8, -8], [8, 8], [-8, 8]], np.float32), 15, 0) + rows(60, 2, 1)
    told = []
    xy = lay_out_again(groups, start, lambda *line: told.append(line))
    back = aligned(xy, start)(xy)
    middles = np.stack([v.reshape(4, 15, 2).mean(1) for v in (back, start)])
    assert (np.linalg.norm(middles[0][:, None] - middles[1], axis=2).argmin(1) == range(4)).all()
    assert np.linalg.norm(back.reshape(4, 15, 2) - middles[0][:, None], axis=2).max() < 8  # corners are 16 apart
    epochs = [n for what, n, total in told if what == "layout" and total == EPOCHS]
    assert epochs == sorted(epochs) and len(epochs) > 1
    assert list(dict.fromkeys(what for what, *_ in told)) == ["starting UMAP", "neighbours", "graph", "layout"]


@pytest.mark.slow
def test_umap_puts_alike_images_near_each_other(bank, images):
    told = []
    data = images.subset(slice(40))
    made = fit_map(bank, data, seed=3, progress=told.append)
    assert torch.equal(made.images, data.images) and torch.equal(made.labels, data.labels)
    assert torch.allclose(made.xy.mean(0), torch.zeros(2), atol=1e-4) and made.xy.abs().max() == pytest.approx(10)
    among = torch.cdist(made.features, made.features).fill_diagonal_(torch.inf).topk(5, largest=False).indices
    plane = torch.cdist(made.xy, made.xy)
    near = plane.gather(1, among).mean()
    assert near < 0.6 * plane.sum() / (40 * 39)
    assert len(told) == 2
