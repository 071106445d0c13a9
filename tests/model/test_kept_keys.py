"""The tokens' keys and values are worked out once a sampling, and that changes no bit."""

import pytest
import torch

from pdm.model.denoiser import Denoiser
from pdm.sampling.solvers import denoise, make_scheduler
from tests.tiny import SIZE, random_condition, tiny_denoiser

STEPS = 4


@pytest.fixture
def denoiser() -> Denoiser:
    return tiny_denoiser().eval()


def sampled(net, count: int = 3, **options) -> list[torch.Tensor]:
    generators = [torch.Generator().manual_seed(i) for i in range(count)]
    noise = torch.stack([torch.randn(1, SIZE, SIZE, generator=g) for g in generators])
    condition = random_condition(count, 2)
    return [s.denoised for s in denoise(net, make_scheduler(), noise, condition, steps=STEPS, **options)]


@pytest.mark.parametrize(
    "options", [{}, {"guidance_scale": 2.0}, {"guidance_scale": 2.0, "guidance_interval": (0.2, 5.0)}]
)
def test_pictures_with_kept_keys_are_bit_equal_to_those_without(denoiser, options):
    for kept, plain in zip(
        sampled(denoiser.at_fixed_condition(), **options), sampled(denoiser, **options), strict=True
    ):
        assert torch.equal(kept, plain)


def keys_made(denoiser: Denoiser, net) -> int:
    """How often a cross-attention of the bottleneck works out the keys of its tokens in one sampling."""
    calls = []
    layer = denoiser.unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_k
    handle = layer.register_forward_hook(lambda *_: calls.append(1))
    sampled(net)
    handle.remove()
    return len(calls)


def test_keys_are_made_once_and_not_at_every_step(denoiser):
    assert keys_made(denoiser, denoiser.at_fixed_condition()) == 1
    assert keys_made(denoiser, denoiser) == STEPS


def test_another_sampling_keeps_nothing_of_the_last(denoiser):
    net = denoiser.at_fixed_condition()
    first = sampled(net)
    again = sampled(denoiser.at_fixed_condition(), guidance_scale=0.0)
    assert not torch.equal(first[-1], again[-1])
    assert torch.equal(again[-1], sampled(denoiser, guidance_scale=0.0)[-1])


def test_tokens_that_carry_the_time_are_made_anew(denoiser):
    timed = tiny_denoiser(time_in_token=True).eval()
    assert timed.at_fixed_condition() is timed
    assert keys_made(timed, timed.at_fixed_condition()) == STEPS


def test_the_pipelines_keep_keys_where_the_condition_stays(pdm_pipeline):
    net, calls = pdm_pipeline.denoiser, []
    layer = net.unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_k
    handle = layer.register_forward_hook(lambda *_: calls.append(1))
    for redraw, made in ((False, 1), (True, STEPS)):
        calls.clear()
        pdm_pipeline(num_images=2, num_inference_steps=STEPS, sampler="dpm++2m", redraw_each_step=redraw)
        assert len(calls) == made
    handle.remove()
