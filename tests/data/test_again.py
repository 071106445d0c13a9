"""Pictures of a data set that are read once more at another size."""

import pytest
import torch

from pdm.data.again import Again
from pdm.data.load import load
from tests.latents import colour_folders
from tests.tiny import banded


def test_the_same_pictures_come_again_in_order_from_any_of_them_on(tmp_path):
    source = str(colour_folders(tmp_path / "pictures"))
    data, large = (load(source, size=size, colour="colour") for size in (16, 40))
    again = Again(source, data, 40)
    parts = list(again.batches(4, 7))
    assert [len(part) for part in parts] == [7] * (len(parts) - 1) + [(len(data) - 4 - 1) % 7 + 1]
    assert torch.equal(torch.cat(parts), large.images[4:])


def test_a_picture_that_is_gone_or_no_more_to_be_read_is_named(tmp_path):
    source = colour_folders(tmp_path / "pictures")
    data = load(str(source), size=16)
    again = Again(str(source), data, 40)
    path = next(source.rglob(data.places[3].rsplit("/", 1)[-1]))
    path.unlink()
    with pytest.raises(ValueError, match=f"{path.name}.*as it was read before"):
        list(again.batches(0, 8))
    with pytest.raises(ValueError, match=f"{path.name} as it was read before, got: it is gone"):
        list(Again(str(source), data, 40).batches(0, 8))
    with pytest.raises(ValueError, match="expected pictures that can be read in any size"):
        Again(str(source), banded(), 40)
