"""What makes training fast on a GPU, as far as it can be tried without one."""

import pytest
import torch

from pdm.model.local import RegionNorm
from tests.tiny import SIZE, random_condition, tiny_denoiser


# It looks through a cache of diffusers' upsampling, and what it keeps for itself is never closed.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_a_net_that_learns_compiles_in_one_piece():
    denoiser, condition = tiny_denoiser().train(), random_condition(2)
    given = torch.randn(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0)), torch.ones(2), condition
    eager = denoiser(*given)
    assert any(isinstance(part, RegionNorm) for part in denoiser.unet.modules())
    denoiser.unet.compile(backend="eager", fullgraph=True)  # raises where it would be broken up
    assert torch.allclose(denoiser(*given), eager, atol=1e-6)
