"""Views: the symmetries of the square, and known small moves."""

import pytest
import torch

from pdm import augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("symmetry", "count"), [("none", 1), ("flip", 2), ("d4", 8)])
def test_a_symmetry_yields_all_elements_of_its_group_and_no_others(symmetry, count):
    picture = torch.rand(1, 4, 4, generator=generator())
    turns = [picture.rot90(k, (1, 2)) for k in range(4)]
    group = {"none": turns[:1], "flip": [picture, picture.flip(2)], "d4": turns + [t.flip(2) for t in turns]}[symmetry]
    out = augment.symmetric(picture.repeat(200, 1, 1, 1), generator(), symmetry)
    hits = torch.stack([(out == g).flatten(1).all(1) for g in group])
    assert (hits.sum(0) == 1).all()
    assert (hits.sum(1) > 200 / count / 3).all() and len(hits) == count


def test_an_unknown_symmetry_is_refused():
    with pytest.raises(ValueError, match="augment: expected 'none', 'flip' or 'd4', got 'd8'"):
        augment.symmetric(torch.zeros(1, 1, 4, 4), generator(), "d8")


def view_with(monkeypatch, x, angle=0.0, zoom=1.0, dx=0.0, dy=0.0, contrast=1.0, brightness=0.0) -> torch.Tensor:
    """One view whose random choices are the given ones; its noise is drawn first from seed 0, and taken away again."""
    values = iter((angle, zoom, dx, dy, contrast, brightness))
    monkeypatch.setattr(augment, "_uniform", lambda n, low, high, g, device: torch.full((n,), next(values)))
    noise = 0.05 * torch.randn(x.shape, generator=generator())
    return augment.view(x, generator()) - noise


def test_a_view_without_moves_is_the_picture(monkeypatch):
    x = torch.rand(2, 1, 16, 16, generator=generator(1)) - 0.5
    torch.testing.assert_close(view_with(monkeypatch, x), x, atol=1e-5, rtol=0)


def test_a_shift_moves_by_that_share_of_half_the_picture(monkeypatch):
    x = torch.rand(2, 1, 16, 16, generator=generator(1)) - 0.5
    moved = view_with(monkeypatch, x, dx=0.125, dy=-0.25)  # one pixel to the left, two down
    torch.testing.assert_close(moved[..., 2:, :-1], x[..., :-2, 1:], atol=1e-5, rtol=0)


def test_a_quarter_turn_is_a_quarter_turn_so_angles_are_in_radians(monkeypatch):
    x = torch.rand(2, 1, 16, 16, generator=generator(1)) - 0.5
    turned = view_with(monkeypatch, x, angle=torch.pi / 2)
    torch.testing.assert_close(turned, x.rot90(1, (2, 3)), atol=1e-4, rtol=0)


def test_contrast_and_brightness_act_on_light_measured_from_black(monkeypatch):
    x = torch.rand(2, 1, 16, 16, generator=generator(1)) - 0.5
    out = view_with(monkeypatch, x, contrast=1.2, brightness=-0.1)
    torch.testing.assert_close(out, (x + 1) * 1.2 - 1.1, atol=1e-5, rtol=0)


def test_views_stay_in_range_differ_and_repeat_with_the_generator():
    x = torch.rand(8, 3, 16, 16, generator=generator(1)) * 2 - 1
    g = generator(5)
    first, second = augment.view(x, g, "d4"), augment.view(x, g, "d4")
    assert first.abs().max() <= 1 and (first - second).abs().mean() > 0.05
    assert torch.equal(augment.view(x, generator(5), "d4"), first)
