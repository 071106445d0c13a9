"""Masks as indexed pictures: there and back again, soft edges, and what no legend explains."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.pipelines.palette import from_palette, softened, to_palette

INDICES = np.array([[0, 0, 1, 1], [0, 3, 3, 1]], dtype=np.uint8)


def picture(mode: str = "P") -> Image.Image:
    image = Image.fromarray(INDICES, "L")
    if mode == "P":
        image = Image.fromarray(INDICES, "P")
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    return image


@pytest.mark.parametrize("mode", ["P", "L"])
def test_each_index_of_a_picture_is_a_region_and_index_0_the_ground(mode):
    regions = from_palette(picture(mode), {1: 25, 3: [7, 2]}, soften=0)
    assert regions.prototypes == [[25], [7, 2]] and regions.ground == "table"
    assert torch.equal(regions.masks, torch.from_numpy(np.stack([INDICES == 1, INDICES == 3])).float())
    named = from_palette(picture(), {0: 4, 1: ([5, 6], [0.2, 0.8]), 3: 7}, soften=0)
    assert named.ground == ([4], None) and named.weights == [[0.2, 0.8], None]


def test_regions_become_a_picture_and_are_the_same_regions_again_through_a_file():
    regions = from_palette(picture(), {1: 25, 3: 7}, soften=0)
    file = io.BytesIO()
    to_palette(regions).save(file, "PNG")
    again = from_palette(Image.open(file), {1: 25, 2: 7}, soften=0)
    assert torch.equal(again.masks, regions.masks) and again.prototypes == regions.prototypes


def test_softened_edges_still_share_each_place_and_keep_their_area():
    masks = torch.zeros(2, 40, 60)
    masks[0, :, :30], masks[1, :, 30:] = 1, 1
    soft = softened(masks, 3.0)
    assert torch.allclose(soft.sum(0), torch.ones(40, 60))
    assert torch.allclose(soft[0, :, 29] + soft[0, :, 30], torch.tensor(1.0)) and 0.4 < soft[0, 5, 30] < 0.5
    assert soft[0, 0, 0] == 1 and soft[1, 0, 0] < 1e-6


@pytest.mark.parametrize(
    ("image", "legend", "options", "message"),
    [
        (picture(), {1: 2}, {}, "mask: expected indices of the legend (1) and 0, got also [3]"),
        (picture(), {}, {}, "mask: expected indices of the legend (none) and 0, got also [1, 3]"),
        (picture().convert("RGB"), {1: 2, 3: 4}, {}, "mask: expected an indexed or a grey picture (mode P or L), got"),
        (picture(), {1: 2, 3: 4}, {"soften": -1}, "soften: expected pixels from 0 to 64, got -1"),
        (picture(), {0: 1, 1: 2, 3: 4}, {"ground": "null"}, "ground: expected none beside a legend that names index 0"),
    ],
)
def test_what_is_no_mask_is_refused_in_one_line(image, legend, options, message):
    with pytest.raises(ValueError) as error:
        from_palette(image, legend, **options)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)
