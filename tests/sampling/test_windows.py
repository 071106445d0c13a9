"""Canvases through overlapping windows: one window is the whole net, far windows know nothing of each other, tiles."""

import pytest
import torch

from pdm.model.conditioning import blended
from pdm.sampling.solvers import denoise, make_scheduler
from pdm.sampling.windows import Windows, plan, through_windows
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
    if tileable:
        assert covered.min() == covered.max() or width % SIZE  # the edge is a place as any other


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
