"""The loop passes through its prototypes, smoothly, and comes out as an animation."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pdm.sampling.walk import animation, loop, loop_condition


def test_a_loop_passes_through_every_prototype_and_stays_between_neighbours():
    vectors = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    path = loop(vectors, 4)
    assert path.shape == (12, 5)
    for i in range(3):
        torch.testing.assert_close(path[4 * i], vectors[i])
        a, b = vectors[i], vectors[(i + 1) % 3]
        torch.testing.assert_close(path[4 * i + 2], (a + b) / 2)
    steps = (path.roll(-1, 0) - path).norm(dim=1).reshape(3, 4)
    assert (steps[:, 0] < steps[:, 1]).all() and (steps[:, 3] < steps[:, 2]).all()  # slow at the ends


@pytest.mark.parametrize(("count", "frames"), [(1, 4), (9, 4), (3, 1), (3, 100)])
def test_a_loop_of_the_wrong_length_is_refused(count, frames):
    with pytest.raises(ValueError, match="expected 2 to"):
        loop(torch.randn(count, 5), frames)


def test_the_condition_has_one_token_a_frame():
    condition = loop_condition(torch.randn(2, 6), 3, spherical=True)
    assert condition.tokens.shape == (6, 1, 6) and (condition.weights == 1).all()
    torch.testing.assert_close(condition.tokens.norm(dim=-1), torch.full((6, 1), 6**0.5))


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_holds_every_frame_and_repeats(kind):
    images = torch.randint(256, (5, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    with Image.open(io.BytesIO(animation(images, kind, side=16))) as picture:
        assert (picture.format.lower(), picture.n_frames, picture.size, picture.info["loop"]) == (kind, 5, (16, 16), 0)
        picture.seek(3)
        shown = torch.tensor(np.asarray(picture.convert("L"), int))[::2, ::2]
    assert (shown - images[3, 0].int()).abs().float().mean() < 3


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="format"):
        animation(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), "mpeg")
