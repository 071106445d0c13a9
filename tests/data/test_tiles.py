"""Pictures on one sheet."""

import numpy as np
import pytest
import torch

from pdm.data.images import to_pil
from pdm.data.tiles import tiled


@pytest.mark.parametrize("channels", [1, 3])
def test_each_picture_lies_in_its_place_and_the_rest_is_black(channels):
    images = torch.randint(1, 256, (5, channels, 4, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    sheet = tiled(images, 3)
    assert sheet.size == (18, 8) and sheet.mode == ("L" if channels == 1 else "RGB")
    for i in range(6):
        left, top = i % 3 * 6, i // 3 * 4
        tile = np.asarray(sheet.crop((left, top, left + 6, top + 4)))
        assert np.array_equal(tile, np.asarray(to_pil(images[i]))) if i < 5 else not tile.any()
