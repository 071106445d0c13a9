"""What may be mirrored or turned in training is told from the images."""

import pytest
import torch

from pdm.data.images import ImageData
from pdm.data.symmetry import symmetry_of
from tests.tiny import banded, strokes


def brighter_above(count: int = 200) -> ImageData:
    """Noise with more light in its upper half, as photographs have."""
    generator = torch.Generator().manual_seed(0)
    light = 128 + 60 * torch.linspace(1, -1, 16)[:, None] + 30 * torch.randn(count, 1, 16, 16, generator=generator)
    return ImageData("sky", light.clamp(0, 255).to(torch.uint8), torch.full((count,), -1), ())


@pytest.mark.parametrize(
    "data, symmetry",
    [(banded(40), "none"), (brighter_above(), "flip"), (strokes(400), "d4"), (strokes(40), "d4")],
    ids=["classes with sides", "light from above", "strokes", "few strokes"],
)
def test_symmetries_are_those_of_the_classes_means(data, symmetry):
    assert symmetry_of(data) == symmetry


def test_a_single_class_with_sides_among_many_is_enough():
    whole, sided = strokes(300), banded(40).subset(slice(None))
    left = sided.images[sided.labels == 2]
    images = torch.cat([whole.images, left])
    labels = torch.cat([torch.zeros(300, dtype=torch.long), torch.ones(len(left), dtype=torch.long)])
    assert symmetry_of(ImageData("both", images, labels, ("strokes", "left"))) == "none"
