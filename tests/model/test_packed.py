"""Packed nets: half the bytes, nearly the same numbers, and read as any other."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from pdm.evaluation.drawing import seeded
from pdm.model.denoiser import Denoiser
from pdm.model.packed import SCALE, is_packed, packed, unpacked
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.saving import packed_copy


def test_each_output_channel_has_its_own_scale():
    kernel = torch.randn(64, 16, 3, 3) * torch.logspace(-3, 3, 64)[:, None, None, None]
    state = packed({"conv.weight": kernel, "conv.bias": torch.randn(64)})
    assert state["conv.weight"].dtype == torch.int8 and state["conv.weight"].abs().amax() == 127
    back = unpacked(state)
    assert list(back) == ["conv.weight", "conv.bias"]
    off = (back["conv.weight"] - kernel).abs().amax((1, 2, 3)) / kernel.abs().amax((1, 2, 3))
    assert off.max() < 0.5 / 127 + 1e-5
    assert torch.equal(back["conv.bias"], state["conv.bias"])


def test_what_gives_the_picture_itself_stays_as_it_is():
    kernel = torch.randn(48, 96, 3, 3)
    state = packed({"unet.conv_out.weight": kernel, "unet.conv_in.weight": kernel})
    assert torch.equal(state["unet.conv_out.weight"], kernel) and state["unet.conv_in.weight"].dtype == torch.int8
    assert list(unpacked(state)) == ["unet.conv_out.weight", "unet.conv_in.weight"]


def test_a_channel_of_zeros_stays_zero():
    back = unpacked(packed({"w": torch.zeros(128, 64)}))
    assert torch.equal(back["w"], torch.zeros(128, 64))


def test_packed_weights_without_their_scale_are_refused():
    state = packed({"w": torch.randn(128, 64)})
    del state["w" + SCALE]
    with pytest.raises(ValueError, match="expected a scale beside the packed weights w, got none"):
        unpacked(state)


def test_a_packed_pipeline_paints_the_same_in_half_the_space(saved, tmp_path):
    before, after = packed_copy(saved / "pdm", tmp_path / "packed")
    assert after < before
    assert is_packed(tmp_path / "packed" / "denoiser") and not is_packed(saved / "pdm" / "denoiser")
    pictures = [
        load_pipeline(folder)(num_images=4, generator=seeded(0, 4), num_inference_steps=4, output_type="pt").images
        for folder in (saved / "pdm", tmp_path / "packed")
    ]
    assert (pictures[0].float() - pictures[1].float()).abs().mean() < 2  # of 255


def test_a_packed_file_with_a_scale_of_another_shape_is_refused(saved, tmp_path):
    packed_copy(saved / "pdm", tmp_path / "packed")
    path = next((tmp_path / "packed" / "denoiser").glob("*.safetensors"))
    state = load_file(path)
    name = next(n for n in state if n.endswith(SCALE))
    save_file(state | {name: torch.ones(3)}, path)
    with pytest.raises(ValueError, match="expected a complete pipeline of this version"):
        load_pipeline(tmp_path / "packed")


def test_damaged_packed_weights_are_said_in_a_line(saved, tmp_path):
    packed_copy(saved / "pdm", tmp_path / "packed")
    state = load_file(next((tmp_path / "packed" / "denoiser").glob("*.safetensors")))
    whole = tmp_path / "packed" / "denoiser" / "a.safetensors"  # the first, by which the folder is told to be packed
    save_file(state, whole)
    damaged = next((tmp_path / "packed" / "denoiser").glob("diffusion*.safetensors"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(ValueError, match="expected complete weights, got a damaged file"):
        Denoiser.from_pretrained(tmp_path / "packed" / "denoiser")
