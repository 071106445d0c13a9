"""What makes training fast, on a GPU as far as it can be tried without one."""

from dataclasses import replace

import pytest
import torch

from pdm.model.local import RegionNorm
from pdm.support import device
from pdm.training.train import Trainer
from tests.tiny import SIZE, banded, random_condition, tiny_config, tiny_denoiser


# It looks through a cache of diffusers' upsampling, and what it keeps for itself is never closed.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_a_net_that_learns_compiles_in_one_piece():
    denoiser, condition = tiny_denoiser().train(), random_condition(2)
    given = torch.randn(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0)), torch.ones(2), condition
    eager = denoiser(*given)
    assert any(isinstance(part, RegionNorm) for part in denoiser.unet.modules())
    denoiser.unet.compile(backend="eager", fullgraph=True)  # raises where it would be broken up
    assert torch.allclose(denoiser(*given), eager, atol=1e-6)


@pytest.mark.parametrize(
    "precision, built_for_it, expected", [("auto", True, "bf16"), ("auto", False, "no"), ("bf16", False, "bf16")]
)
def test_a_cpu_learns_in_bfloat16_only_where_it_does_not_emulate_it_or_is_told_to(
    monkeypatch, tmp_path, fresh_accelerator, precision, built_for_it, expected
):
    monkeypatch.setattr(device, "cpu_has_bf16", lambda: built_for_it)
    trainer = Trainer(replace(tiny_config(), precision=precision), banded(), tmp_path, cpu=True)
    assert trainer.accelerator.mixed_precision == expected
    trainer.train_step()
    assert trainer.progress.steps == 1
