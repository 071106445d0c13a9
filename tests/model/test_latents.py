"""From pictures to what a net paints and back: scale, slices, bands of a large canvas, and canvases that repeat."""

import pytest
import torch

from pdm.model import latents as module
from pdm.model.latents import LatentSpace
from tests.latents import SCALE, tiny_autoencoder


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return LatentSpace(tiny_autoencoder(), **SCALE)


def latents(*shape: int) -> torch.Tensor:
    return 0.5 * torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_latents_are_centred_and_scaled_channel_by_channel_and_decoding_undoes_it(space):
    x = latents(2, 3, 32, 32).clamp(-1, 1)
    raw = space.autoencoder.encode(x).latents
    z = space.encode(x)
    expected = (raw - torch.tensor(SCALE["mean"])[:, None, None]) / torch.tensor(SCALE["scale"])[:, None, None]
    assert torch.allclose(z, expected, atol=1e-5) and z.shape == (2, 4, 8, 8) and space.factor == 4
    assert torch.allclose(space.decode(z), space.autoencoder.decode(raw).sample.clamp(-1, 1), atol=1e-5)


def test_slices_and_bands_give_what_all_at_once_gives(space, monkeypatch):
    z = latents(3, 4, 96, 8)
    whole = space.decode(z)
    sizes = []
    through = module._through

    def seen(autoencoder, part):
        sizes.append(part.shape)
        return through(autoencoder, part)

    monkeypatch.setattr(module, "AT_ONCE", 24 * 8 * 16)
    monkeypatch.setattr(module, "BAND", 24)
    monkeypatch.setattr(module, "_through", seen)
    assert torch.allclose(space.decode(z), whole, atol=1e-5)
    assert len(sizes) == 3 * 4 and max(s[2] for s in sizes) == 24 + 2 * module.REACH


@pytest.mark.parametrize("side", [8, 32])
def test_a_canvas_that_repeats_is_decoded_without_a_seam(space, side):
    z = latents(1, 4, side, side)
    turned = space.decode(z.roll((side // 2, side // 2), (2, 3)), wraps=True)
    back = turned.roll((-2 * side, -2 * side), (2, 3))
    assert torch.allclose(back, space.decode(z, wraps=True), atol=1e-5)
    assert not torch.allclose(back, space.decode(z), atol=1e-3)


def test_a_glimpse_has_the_size_of_the_picture_and_its_plain_parts(space):
    plain = latents(1, 4, 1, 1).expand(1, 4, 16, 16)
    inside = (..., slice(24, 40), slice(24, 40))
    assert torch.allclose(space.glimpse(plain)[inside], space.decode(plain)[inside], atol=0.05)
    assert space.glimpse(latents(1, 4, 3, 3)).shape == (1, 3, 12, 12)
