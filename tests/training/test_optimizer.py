"""Muon: what it makes of a gradient, which weights it takes, and that the others learn by AdamW as before."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from pdm.config import OptimConfig
from pdm.model.denoiser import Denoiser
from pdm.training.optimizer import Muon, inside, make_optimizer, orthogonal
from tests.tiny import tiny_config


@pytest.fixture
def denoiser():
    torch.manual_seed(0)
    return Denoiser(1, 8, token_dim=8, block_out_channels=(16, 16), attention_levels=(1,), norm_groups=8)


@pytest.mark.parametrize("shape", [(3, 20, 50), (2, 50, 20), (1, 8, 8)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_matrix_becomes_one_whose_singular_values_are_about_one_in_the_same_directions(shape, dtype):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 1e-3
    found = orthogonal(matrices.to(dtype)).float()
    assert found.shape == shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5 and values.max() < 1.3
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    turned = u.mT @ found @ vh.mT  # diagonal where the directions are the same
    diagonal = torch.diag_embed(torch.diagonal(turned, dim1=1, dim2=2))
    assert (turned - diagonal).norm() < 0.1 * turned.norm()


def test_matrices_and_convolutions_inside_the_net_are_its_own_and_nothing_else(denoiser):
    matrices, others = inside(denoiser)
    names = {id(weight): name for name, weight in denoiser.named_parameters()}
    assert len(matrices) + len(others) == len(names)
    taken = [names[id(weight)] for weight in matrices]
    assert all(name.endswith("weight") for name in taken)
    for part in ("resnets.0.conv1", "attn2.to_k", "downsamplers.0.conv", "time_emb_proj"):
        assert any(part in name for name in taken)
    assert not [n for n in taken if "norm" in n or n.startswith(("unet.conv_", "unet.time_embedding", "null"))]


def test_the_others_take_adamws_steps_and_matrices_steps_of_their_size(denoiser):
    twin = Denoiser.from_config(denoiser.config)
    twin.load_state_dict(denoiser.state_dict())
    config = OptimConfig(optimizer="muon", learning_rate=1e-3)
    ours = make_optimizer(config, denoiser, torch.float32)
    theirs = make_optimizer(replace(config, optimizer="adamw"), twin, torch.float32)
    assert isinstance(ours, Muon) and not isinstance(theirs, Muon)
    before = [weight.clone() for weight in inside(denoiser)[0]]
    generator = torch.Generator().manual_seed(2)
    for _ in range(3):
        for weight, other in zip(denoiser.parameters(), twin.parameters(), strict=True):
            weight.grad = torch.randn(weight.shape, generator=generator)
            other.grad = weight.grad.clone()
        ours.step()
        theirs.step()
    for weight, other in zip(inside(denoiser)[1], inside(twin)[1], strict=True):
        torch.testing.assert_close(weight, other)
    for weight, was in zip(inside(denoiser)[0], before, strict=True):
        size = (weight - was).square().mean().sqrt().item() / 3  # a step's; AdamW's are of about 0.2 to 0.4 lr
        assert 0.05e-3 < size < 0.3e-3


def test_its_state_is_saved_and_goes_on_to_the_same_weights(denoiser):
    twin = Denoiser.from_config(denoiser.config)
    config = OptimConfig(optimizer="muon")
    ours, theirs = (make_optimizer(config, net, torch.float32) for net in (denoiser, twin))
    generator = torch.Generator().manual_seed(3)

    def step(*pairs):
        gradients = [torch.randn(weight.shape, generator=generator) for weight in denoiser.parameters()]
        for net, optimizer in pairs:
            for weight, gradient in zip(net.parameters(), gradients, strict=True):
                weight.grad = gradient.clone()
            optimizer.step()

    step((denoiser, ours))
    twin.load_state_dict(denoiser.state_dict())
    theirs.load_state_dict(deepcopy(ours.state_dict()))
    step((denoiser, ours), (twin, theirs))
    assert all(torch.equal(a, b) for a, b in zip(denoiser.parameters(), twin.parameters(), strict=True))


def test_another_name_is_refused_in_one_line(denoiser):
    with pytest.raises(ValueError, match="optimizer: expected one of adamw, muon, got 'sgd'"):
        make_optimizer(replace(tiny_config().optim, optimizer="sgd"), denoiser, torch.float32)
