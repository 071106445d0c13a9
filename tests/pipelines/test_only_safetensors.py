"""Of a model from anywhere only safetensors and JSON are read: pickles are not opened, and no code is asked for."""

import os
import shutil

import pytest
import torch

from pdm.model.denoiser import Denoiser
from pdm.pipelines.pdm import PDMPipeline

WEIGHTS = "diffusion_pytorch_model.safetensors"


class Bomb:
    def __reduce__(self):
        return os.abort, ()


@pytest.fixture
def pickled(saved, tmp_path):
    """A pipeline whose denoiser has its weights in a pickle only."""
    folder = shutil.copytree(saved / "pdm", tmp_path / "pdm")
    (folder / "denoiser" / WEIGHTS).unlink()
    torch.save({"a": Bomb()}, folder / "denoiser" / "diffusion_pytorch_model.bin")
    return folder


@pytest.mark.parametrize("options", [{}, {"use_safetensors": True}])
def test_a_pickle_in_the_place_of_weights_is_not_opened(pickled, options, monkeypatch):
    def opened(*_, **__):
        raise AssertionError("a pickle was opened")

    monkeypatch.setattr(torch, "load", opened)
    with pytest.raises(OSError, match="safetensors"):
        PDMPipeline.from_pretrained(pickled, **options)
    with pytest.raises(OSError, match="safetensors"):
        Denoiser.from_pretrained(pickled / "denoiser", use_safetensors=False)


@pytest.mark.parametrize(
    "options",
    [{"use_safetensors": False}, {"custom_pipeline": "someone/code"}, {"use_onnx": True}],
)
def test_what_would_read_pickles_or_run_code_is_refused(saved, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}: expected "):
        PDMPipeline.from_pretrained(saved / "pdm", **options)
