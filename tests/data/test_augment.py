"""Views: the symmetries of the square, and known small moves."""

import pytest
import torch
import torch.nn.functional as F

from pdm.data import augment


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


def test_pictures_without_the_symmetry_stay_as_they_are_and_the_others_turn_as_before():
    pictures = torch.rand(100, 1, 4, 4, generator=generator())
    allowed = torch.arange(100) % 3 == 0
    for symmetry in ("flip", "d4"):
        out = augment.symmetric(pictures, generator(), symmetry, allowed)
        assert torch.equal(out[~allowed], pictures[~allowed])
        assert torch.equal(out[allowed], augment.symmetric(pictures, generator(), symmetry)[allowed])
        assert not torch.equal(out[allowed], pictures[allowed])


def test_shifts_are_whole_pixels_up_to_the_most_both_ways_and_repeat_the_border():
    x = torch.rand(400, 3, 6, 6, generator=generator())
    room = F.pad(x, (2, 2, 2, 2), mode="replicate")
    out, hits = augment.shifted(x, generator(), 2), torch.zeros(5, 5)
    for row, moved in enumerate(out):
        places = [(i, j) for i in range(5) for j in range(5) if torch.equal(moved, room[row, :, i : i + 6, j : j + 6])]
        assert len(places) == 1
        hits[places[0]] += 1
    assert (hits > 4).all()
    assert augment.shifted(x, generator(), 0) is x


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


def test_crops_of_a_plain_picture_change_its_light_and_tint_alone():
    x = torch.full((64, 3, 16, 16), 0.2)
    out = augment.view(x, generator(), kind="crops")
    assert out.flatten(2).std(-1).max() < 1e-5  # nothing but the plain picture was cut out
    tints = out[:, :, 0, 0]
    assert tints.std(0).min() > 0.05 and (tints.max(1).values - tints.min(1).values).max() > 0.02
    assert ((tints.max(1).values - tints.min(1).values) < 1e-6).float().mean().item() == pytest.approx(0.2, abs=0.15)


def crop_with(monkeypatch, x, *, area=1.0, centre=(0.0, 0.0), light=1.0, contrast=1.0, colour=1.0, coin=1.0):
    """One crop whose random choices are the given ones, at the picture's own shape and with no tint."""
    values = iter((area, 0.0, *centre, light, contrast, colour, 1.0, coin))
    monkeypatch.setattr(augment, "_uniform", lambda n, low, high, g, device: torch.full((n,), next(values)))
    return augment.view(x, generator(), kind="crops")


def test_a_crop_of_everything_is_the_picture_and_a_quarter_of_it_that_quarter(monkeypatch):
    x = torch.rand(2, 3, 16, 16, generator=generator(1)) - 0.5
    torch.testing.assert_close(crop_with(monkeypatch, x), x)
    corner = crop_with(monkeypatch, x, area=0.25, centre=(1.0, -1.0))  # the right upper one
    expected = F.interpolate(x[:, :, :8, 8:], size=16, mode="bilinear")
    torch.testing.assert_close(corner[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


def test_light_contrast_and_colourfulness_act_on_light_measured_from_black(monkeypatch):
    x = (torch.rand(2, 3, 16, 16, generator=generator(1)) - 0.5) / 2
    light = (x + 1) / 2
    expected = {
        "light": 0.9 * light,
        "contrast": augment.grey(light).mean((1, 2, 3), keepdim=True) * 0.3 + 0.7 * light,
        "colour": augment.grey(light) * 0.4 + 0.6 * light,
        "coin": augment.grey(light).expand_as(light),
    }
    for name, value in {"light": 0.9, "contrast": 0.7, "colour": 0.6, "coin": 0.1}.items():
        torch.testing.assert_close((crop_with(monkeypatch, x, **{name: value}) + 1) / 2, expected[name])


def test_crops_stay_in_range_differ_repeat_and_take_grey_pictures():
    x = torch.rand(8, 3, 16, 16, generator=generator(1)) * 2 - 1
    g = generator(5)
    first, second = (augment.view(x, g, "flip", "crops") for _ in range(2))
    assert first.abs().max() <= 1 and (first - second).abs().mean() > 0.05
    assert torch.equal(augment.view(x, generator(5), "flip", "crops"), first)
    assert augment.view(x[:, :1], generator(), kind="crops").shape == (8, 1, 16, 16)


def test_unknown_views_are_refused():
    with pytest.raises(ValueError, match="views: expected 'moves' or 'crops' or 'parts', got 'turns'"):
        augment.view(torch.zeros(1, 1, 4, 4), generator(), kind="turns")


def test_parts_keep_colours_that_crops_change():
    x = torch.tensor([0.4, -0.2, 0.0])[None, :, None, None].expand(64, 3, 16, 16)

    def apart(kind: str) -> float:
        """How far the colour of one plain picture varies over views."""
        return augment.view(x, generator(2), kind=kind).mean((2, 3)).std(0).mean().item()

    assert 0 < apart("parts") < 0.1 < 0.15 < apart("crops")
