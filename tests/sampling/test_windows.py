"""Canvases through overlapping windows: one window is the whole net, far windows know nothing of each other, tiles."""

import pytest
import torch

from pdm.model.conditioning import blended
from pdm.sampling.beneath import Beneath
from pdm.sampling.solvers import denoise, make_scheduler
from pdm.sampling.student import sample_student
from pdm.sampling.windows import Windows, mosaic, plan, rolled, through_windows
from tests.tiny import SIZE, GaussianDenoiser, random_condition, seeds, tiny_denoiser

GRID = 4


def canvas(width: int, height: int = SIZE, count: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, height, width, generator=seeds(seed)[0])


def sampled(noise, condition, windows, net=None, **options) -> torch.Tensor:
    net = net or tiny_denoiser()
    options = {"steps": 3, "guidance_scale": 2.0, **options}
    return list(denoise(net, make_scheduler(), noise, condition, windows=windows, **options))[-1].denoised


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 40), (48, 100), (8, 64)])
@pytest.mark.parametrize("tileable", [False, True])
def test_windows_cover_a_canvas_evenly_on_the_nets_grid(height, width, tileable):
    windows = plan(height, width, SIZE, GRID, tileable=tileable)
    if windows is None:
        assert (height, width, tileable) == (16, 16, False)
        return
    assert all(start % GRID == 0 for start in (*windows.tops, *windows.lefts))
    covered = torch.zeros(height, width)
    for top, left in windows.corners:
        rows, columns = (torch.arange(windows.height) + top) % height, (torch.arange(windows.width) + left) % width
        covered[rows[:, None], columns] += 1
    assert covered.min() >= 1


def test_what_windows_expect_is_averaged_over_those_that_see_a_pixel():
    windows = Windows(2, 2, (0,), (0, 1))
    asked = []

    def ask(seen, condition, canvas):
        asked.append(seen)
        return seen * torch.tensor([1.0, 3.0])[:, None, None, None]
        yield

    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    asking = through_windows(windows, x, random_condition(1), ask)
    with pytest.raises(StopIteration) as end:
        next(asking)
    assert torch.equal(asked[0][:, 0], torch.tensor([[[1.0, 2.0], [4.0, 5.0]], [[2.0, 3.0], [5.0, 6.0]]]))
    assert torch.equal(end.value.value[0, 0], torch.tensor([[1.0, 4.0, 9.0], [4.0, 10.0, 18.0]]))


def test_windows_of_a_net_that_looks_at_single_pixels_are_the_whole_net():
    noise, condition = canvas(40, 24, count=2), random_condition(2)
    whole, parts = (
        sampled(noise, condition, windows, GaussianDenoiser(null_mean=-0.2), guidance_scale=torch.tensor([1.0, 2.0]))
        for windows in (None, plan(24, 40, SIZE, GRID))
    )
    assert torch.allclose(whole, parts, atol=1e-5)


def test_two_halves_are_two_whole_pictures_far_from_the_border():
    one, other = random_condition(1, seed=1), random_condition(1, seed=2)
    shares = torch.zeros(2, SIZE // 4, 6 * SIZE // 4)
    shares[0, :, : 3 * SIZE // 4], shares[1, :, 3 * SIZE // 4 :] = 1, 1
    noise, windows = canvas(6 * SIZE), plan(SIZE, 6 * SIZE, SIZE, GRID)
    both = sampled(noise, blended([one, other], shares), windows)
    left, right = (sampled(noise, condition, windows) for condition in (one, other))
    far, near = slice(0, SIZE), slice(2 * SIZE, 4 * SIZE)  # from the border the news goes one window a step
    assert torch.allclose(both[..., far], left[..., far], atol=1e-5)
    assert torch.allclose(both[..., -SIZE:], right[..., -SIZE:], atol=1e-5)
    assert (both - left)[..., near].abs().max() > 1e-2


def test_a_canvas_that_repeats_knows_no_edge():
    """Rolled noise gives the rolled picture: so its edge, rolled into the middle, is as smooth as any other place."""
    noise, condition, half = canvas(4 * SIZE), random_condition(1), 2 * SIZE
    windows = plan(SIZE, 4 * SIZE, SIZE, GRID, tileable=True)
    one, other = (sampled(x, condition, windows) for x in (noise, noise.roll(half, 3)))
    assert torch.allclose(one.roll(half, 3), other, atol=1e-4)
    edged = plan(SIZE, 4 * SIZE, SIZE, GRID)
    one, other = (sampled(x, condition, edged) for x in (noise, noise.roll(half, 3)))
    assert not torch.allclose(one.roll(half, 3), other, atol=1e-2)


def test_a_whole_canvas_that_repeats_is_seen_to_go_on_over_its_edges():
    windows, seen = rolled(8, 12, 4), []

    def ask(parts, condition, canvas):
        seen.append(parts)
        return parts
        yield

    x = canvas(12, 8)
    with pytest.raises(StopIteration) as end:
        next(through_windows(windows, x, random_condition(1), ask))
    assert torch.equal(seen[0], x.roll((4, 4), (2, 3)).repeat(1, 1, 2, 2)[..., :16, :20])
    assert torch.allclose(end.value.value, x)


def test_the_student_paints_canvases_through_windows():
    noise, condition, net = canvas(40, 24), random_condition(1), tiny_denoiser(1)
    options = {"steps": 2, "generators": seeds(3), "windows": plan(24, 40, SIZE, GRID)}
    (*_, last) = sample_student(GaussianDenoiser(), noise, condition, **options)
    (*_, whole) = sample_student(
        GaussianDenoiser(), noise, condition, **{**options, "generators": seeds(3), "windows": None}
    )
    assert torch.allclose(last.denoised, whole.denoised, atol=1e-5)
    (*_, other) = sample_student(net, noise, condition, **{**options, "generators": seeds(3)})
    assert other.denoised.shape == noise.shape and other.denoised.isfinite().all()


@pytest.mark.parametrize("windows", [mosaic(SIZE, 3 * SIZE, SIZE), plan(SIZE, 3 * SIZE, SIZE, GRID)])
def test_windows_in_which_all_is_kept_are_not_asked_for(windows):
    noise, condition, net, rows = canvas(3 * SIZE), random_condition(1), tiny_denoiser(), []
    keep = torch.zeros(SIZE, 3 * SIZE)
    keep[:, : 2 * SIZE] = 1
    beneath = Beneath(canvas(3 * SIZE, seed=5).clamp(-1, 1), keep)

    def counted(x, sigma, condition):
        rows.append(len(x))
        return net(x, sigma, condition)

    all_of_it = sampled(noise, condition, windows, counted, beneath=beneath)
    asked, fewer = [*rows], windows.beside(keep)
    rows.clear()
    some = sampled(noise, condition, fewer, counted, beneath=beneath)
    kept = slice(0, 2 * SIZE)
    assert torch.allclose(some, all_of_it, atol=1e-4)
    assert torch.allclose(some[..., kept], beneath.picture[..., kept], atol=1e-5)
    assert sum(rows) == fewer.asked * sum(asked) < sum(asked)
