"""A visitor's photograph as the model sees it: turned where its ground is light and the model's is dark, and cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.app.seen_picture import seen, wants_turning
from pdm.data.images import MAX_PIXELS, from_pil


def photo(ground=235, thing=30, size=(400, 300), box=(300, 100, 380, 180), mode="RGB") -> Image.Image:
    """A thing on a ground."""
    picture = Image.new("L", size, ground)
    picture.paste(thing, box)
    return picture.convert(mode)


@pytest.fixture(scope="module")
def dark(studio):
    """A model whose images are light on dark."""
    images = torch.zeros_like(studio.map.images)
    images[..., 5:11, 5:11] = 220
    return studio.with_map(replace(studio.map, images=images))


def test_a_dark_thing_on_a_light_ground_is_turned_for_a_model_of_light_on_dark_alone(studio, dark):
    light = studio.with_map(replace(studio.map, images=torch.full_like(studio.map.images, 200)))
    assert [wants_turning(m, photo()) for m in (dark, light)] == [True, False]
    assert not wants_turning(dark, photo(ground=20, thing=220))
    assert wants_turning(dark, photo(mode="CMYK")) and wants_turning(dark, photo(mode="1"))


def test_what_is_cut_has_the_thing_in_its_middle_whole_and_the_ground_round_it(dark):
    image = seen(dark, photo(), cut=True)[0, 0].float()
    assert image.shape == (16, 16)
    rows, columns = ((image < 128).any(axis).nonzero()[:, 0].tolist() for axis in (0, 1))
    for seen_at in (rows, columns):  # 80 of 96 pixels, in the middle
        assert seen_at[0] in (1, 2) and seen_at[-1] in (13, 14)
    assert image[0].mean() > 225 and image[:, -1].mean() > 225  # beyond the photograph's edge as well


def test_what_is_turned_has_light_and_dark_exchanged(dark):
    assert (seen(dark, photo()).int() + seen(dark, photo(), turned=True).int() - 255).abs().max() <= 1


def test_a_picture_with_nothing_on_it_and_small_ones_are_seen_whole(dark):
    empty = Image.new("RGB", (50, 40), "red")
    assert torch.equal(seen(dark, empty, cut=True), seen(dark, empty))
    assert torch.equal(seen(dark, photo())[0], from_pil(photo(), 16, 1))
    for size in ((1, 1), (2, 3)):
        noise = Image.fromarray(np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3) * 9)
        assert seen(dark, noise, turned=True, cut=True).shape == (1, 1, 16, 16)
        wants_turning(dark, noise)


def test_a_picture_of_too_many_pixels_is_refused(dark, monkeypatch):
    monkeypatch.setattr("pdm.data.images.MAX_PIXELS", 100)
    assert MAX_PIXELS > 100
    for look in (wants_turning, seen):
        with pytest.raises(ValueError, match="image: expected at most 100 pixels, got 400x300"):
            look(dark, photo())
