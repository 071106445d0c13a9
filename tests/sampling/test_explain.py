"""An explanation makes the very picture again, and its attention is a share of each pixel."""

import pytest
import torch

from pdm.data.images import to_bytes
from pdm.model.attention import WeightedAttention
from pdm.sampling.explain import explain
from pdm.sampling.solvers import denoise, make_scheduler
from tests.tiny import SIZE, random_condition, tiny_denoiser


def explained(condition, **options):
    noise = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    denoiser = tiny_denoiser()
    made = explain(denoiser, condition, noise, torch.Generator(), steps=4, scheduler=make_scheduler(), **options)
    *_, last = denoise(denoiser, make_scheduler(), noise, condition, steps=4, **options)
    return made, to_bytes(last.denoised)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_the_last_step_is_the_picture_itself(guidance):
    made, picture = explained(random_condition(1), guidance_scale=guidance)
    assert torch.equal(made.timeline[-1:], picture)
    assert made.timeline.shape == (4, 1, SIZE, SIZE) and made.attention.shape == (4, 3, SIZE, SIZE)


def test_a_pixels_attention_is_shared_out_among_the_tokens():
    made, _ = explained(random_condition(1))
    torch.testing.assert_close(made.attention.sum(1), torch.ones(4, SIZE, SIZE))
    torch.testing.assert_close(made.mean(), made.attention.mean(0))
    assert made.attention.std() > 1e-4  # tokens differ


def test_a_token_without_weight_gets_no_attention_and_a_single_one_gets_all():
    condition = random_condition(1)
    condition.weights[:] = torch.tensor([[1.0, 0.0, 0.0]])
    made, _ = explained(condition)
    assert made.attention[:, 0].min() > 1 - 1e-5 and made.attention[:, 1:].max() < 1e-5


def test_recording_leaves_attention_as_it_is():
    attn = tiny_denoiser().unet.mid_block.attentions[0].transformer_blocks[0].attn2
    hidden, context = torch.randn(2, 5, attn.to_q.in_features), torch.randn(2, 3, attn.to_k.in_features)
    log_weights, record = torch.rand(2, 3).log(), []
    plain = WeightedAttention()(attn, hidden, context, log_weights=log_weights)
    recorded = WeightedAttention()(attn, hidden, context, log_weights=log_weights, record=record)
    assert torch.equal(plain, recorded) and record[0].shape == (2, 5, 3)


def test_more_than_one_row_is_refused():
    with pytest.raises(ValueError, match="one row"):
        noise = torch.randn(1, 1, SIZE, SIZE)
        explain(tiny_denoiser(), random_condition(2), noise, torch.Generator(), steps=2, scheduler=None)
