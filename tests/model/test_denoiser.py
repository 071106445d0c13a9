"""The denoiser: Table 1 of Karras et al. 2022, weights in the attention, and the training loss."""

import math

import pytest
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from diffusers.models.attention_processor import Attention, AttnProcessor
from hypothesis import given
from hypothesis import strategies as st

from pdm.config import NETS, DiffusionConfig
from pdm.model.attention import WeightedAttention, attend
from pdm.model.conditioning import Condition, null_condition
from pdm.model.denoiser import (
    Denoiser,
    build_denoiser,
    chain_sigmas,
    loss_weight,
    sample_sigmas,
)
from tests.tiny import DIM, SIZE, GaussianDenoiser, random_condition, tiny_denoiser


@pytest.fixture
def attention() -> Attention:
    torch.manual_seed(0)
    return Attention(query_dim=8, cross_attention_dim=6, heads=2, dim_head=4, processor=WeightedAttention()).double()


def naive_attention(layer: Attention, x, tokens, weights) -> torch.Tensor:
    """softmax(q k / sqrt(d)) with each token's exponential multiplied by its weight, in plain loops."""
    out = torch.zeros(len(x), x.shape[1], 8, dtype=x.dtype)
    for b in range(len(x)):
        q, k, v = layer.to_q(x[b]), layer.to_k(tokens[b]), layer.to_v(tokens[b])
        for head in range(2):
            part = slice(4 * head, 4 * head + 4)
            for i in range(x.shape[1]):
                e = [w * math.exp(q[i, part] @ k[m, part] / 2) for m, w in enumerate(weights[b].tolist())]
                out[b, i, part] = sum(e_m / sum(e) * v[m, part] for m, e_m in enumerate(e))
    return layer.to_out[0](out)


@torch.no_grad()
def test_a_tokens_weight_multiplies_its_exponential_in_the_softmax(attention):
    x, tokens = 2 * torch.randn(2, 5, 8).double(), 2 * torch.randn(2, 3, 6).double()
    weights = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.0, 0.9]]).double()
    ours = attention(x, tokens, log_weights=weights.log())
    torch.testing.assert_close(ours, naive_attention(attention, x, tokens, weights))


@torch.no_grad()
def test_integer_weights_are_repeated_tokens_and_weight_zero_is_no_token(attention):
    x, tokens = 2 * torch.randn(1, 5, 8).double(), 2 * torch.randn(1, 3, 6).double()
    weighted = attention(x, tokens, log_weights=torch.tensor([[3.0, 0.0, 1.0]]).double().log())
    repeated = attention(x, tokens[:, [0, 0, 0, 2]])
    torch.testing.assert_close(weighted, repeated)
    assert not torch.allclose(weighted, attention(x, tokens), atol=1e-3)


@torch.no_grad()
def test_equal_weights_are_diffusers_own_attention_and_self_attention_has_no_weights(attention):
    x, tokens = torch.randn(2, 5, 8).double(), torch.randn(2, 3, 6).double()
    ours = attention(x, tokens, log_weights=torch.full((2, 3), 1 / 3).double().log())
    square = Attention(query_dim=8, heads=2, dim_head=4, processor=WeightedAttention()).double()
    own = square(x, log_weights=torch.randn(2, 3).double())
    for layer in (attention, square):
        layer.set_processor(AttnProcessor())
    torch.testing.assert_close(ours, attention(x, tokens))
    torch.testing.assert_close(own, square(x))


@given(st.floats(0.002, 80))
def test_edm_preconditioning_is_table_1_and_gives_unit_variance(sigma):
    s = 0.5
    c_skip, c_out, c_in, c_noise = (c.item() for c in EDM.precondition(torch.tensor([sigma], dtype=torch.float64)))
    assert c_skip == pytest.approx(s**2 / (sigma**2 + s**2))
    assert c_out == pytest.approx(sigma * s / math.sqrt(sigma**2 + s**2))
    assert c_in == pytest.approx(1 / math.sqrt(sigma**2 + s**2))
    assert c_noise / 1000 == pytest.approx(math.log(sigma) / 4)
    # Eq. (114), (117): the network's input and its training target both have variance 1.
    assert c_in**2 * (s**2 + sigma**2) == pytest.approx(1)
    assert ((1 - c_skip) ** 2 * s**2 + c_skip**2 * sigma**2) / c_out**2 == pytest.approx(1)


def test_vp_preconditioning_is_table_1_and_finds_the_step_of_the_chain():
    sigmas = chain_sigmas(2000)
    for step in (0, 1, 777, 1998, 1999):
        c_skip, c_out, c_in, c_noise = (c.item() for c in VP.precondition(sigmas[step : step + 1]))
        sigma = sigmas[step].item()
        assert (c_skip, c_out, c_noise) == (1, pytest.approx(-sigma), step)
        assert c_in == pytest.approx(1 / math.sqrt(sigma**2 + 1))
    for sigma in (1e-4, 0.033, 1.0, 71.3, 1e6):
        assert VP.precondition(torch.tensor([sigma]))[3].item() == (sigmas - sigma).abs().argmin().item()


@pytest.mark.parametrize("kind", ["edm", "x", "vp"])
def test_the_output_is_c_skip_x_plus_c_out_f_of_c_in_x(kind, monkeypatch):
    denoiser = tiny_denoiser(preconditioning=kind)
    seen = {}

    def network(h, time, tokens, **kwargs):
        seen.update(h=h, time=time)
        return (h * 0.5 + 2.0,)

    monkeypatch.setattr(denoiser.unet, "forward", network)
    x, sigma = torch.randn(3, 1, SIZE, SIZE), torch.tensor([0.05, 0.9, 7.0])
    c_skip, c_out, c_in, c_noise = (c[:, None, None, None] for c in denoiser.precondition(sigma))
    out = denoiser(x, sigma, random_condition(3))
    torch.testing.assert_close(out, c_skip * x + c_out * (0.5 * c_in * x + 2.0))  # Eq. (7)
    torch.testing.assert_close(seen["h"], F.pixel_unshuffle(c_in * x, 2))
    torch.testing.assert_close(seen["time"], c_noise.flatten())


def test_the_condition_matters_and_its_order_does_not(denoiser):
    x, sigma, condition = torch.randn(2, 1, SIZE, SIZE), torch.tensor([0.5, 2.0]), random_condition(2)
    out = denoiser(x, sigma, condition)
    parts = (condition.tokens, condition.weights, condition.ids)
    turned = Condition(*(t[:, [2, 0, 1]] for t in parts), condition.is_null)
    torch.testing.assert_close(denoiser(x, sigma, turned), out, atol=1e-5, rtol=1e-4)
    other = Condition(condition.tokens.flip(0), condition.weights, condition.ids, condition.is_null)
    assert (denoiser(x, sigma, other) - out).abs().max() > 1e-3
    heavier = Condition(condition.tokens, condition.weights.flip(1), condition.ids, condition.is_null)
    assert (denoiser(x, sigma, heavier) - out).abs().max() > 1e-4


def test_tokens_of_weight_zero_do_not_exist(denoiser):
    x, sigma, condition = torch.randn(2, 1, SIZE, SIZE), torch.tensor([0.5, 2.0]), random_condition(2)
    weights = torch.tensor([[0.4, 0.6, 0.0]]).repeat(2, 1)
    with_ghost = Condition(condition.tokens, weights, condition.ids, condition.is_null)
    without = Condition(condition.tokens[:, :2], weights[:, :2], condition.ids[:, :2], condition.is_null)
    torch.testing.assert_close(denoiser(x, sigma, with_ghost), denoiser(x, sigma, without), atol=1e-5, rtol=1e-4)


def test_null_rows_see_the_null_token_and_nothing_of_their_own(denoiser):
    x, sigma = torch.randn(2, 1, SIZE, SIZE), torch.tensor([0.5, 2.0])
    drop = torch.tensor([True, False])
    first, second = (denoiser(x, sigma, random_condition(2, seed=s).dropped(drop)) for s in (0, 1))
    torch.testing.assert_close(first[0], second[0])
    assert (first[1] - second[1]).abs().max() > 1e-3
    null_token = denoiser.null_token.expand(1, 1, DIM)
    as_token = Condition(null_token, torch.ones(1, 1), torch.zeros(1, 1).long(), torch.zeros(1, dtype=torch.bool))
    torch.testing.assert_close(first[:1], denoiser(x[:1], sigma[:1], as_token), atol=1e-5, rtol=1e-4)
    denoiser.null_token += 1
    assert (denoiser(x, sigma, random_condition(2).dropped(drop))[0] - first[0]).abs().max() > 1e-4


def test_the_papers_token_carries_a_sinusoidal_time_embedding():
    denoiser = tiny_denoiser(preconditioning="vp", time_in_token=True)
    condition, steps = random_condition(2, tokens=1), torch.tensor([3.0, 1500.0])
    tokens, _ = denoiser.context(condition, steps)
    for b, t in enumerate(steps.tolist()):
        angles = [t * 10_000 ** (-i / (DIM // 2 - 1)) for i in range(DIM // 2)]
        expected = torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles])
        torch.testing.assert_close(tokens[b, 0] - condition.tokens[b, 0], expected, atol=1e-3, rtol=0)
    plain, _ = tiny_denoiser(preconditioning="vp").context(condition, steps)
    torch.testing.assert_close(plain, condition.tokens)


def test_chain_sigmas_are_those_of_diffusers_ddpm_chain():
    bars = DDPMScheduler(num_train_timesteps=2000, beta_start=1e-4, beta_end=0.02).alphas_cumprod.double()
    expected = ((1 - bars) / bars).sqrt().float()
    torch.testing.assert_close(chain_sigmas(2000), expected, rtol=1e-3, atol=0)
    assert (chain_sigmas(2000).diff() > 0).all()


@torch.no_grad()
def test_the_vp_loss_is_the_published_mean_squared_error_of_epsilon():
    config = DiffusionConfig(preconditioning="vp")
    steps = torch.tensor([2, 600, 1500])
    sigma, condition = chain_sigmas(2000)[steps], random_condition(3)
    x, noise = torch.rand(3, 1, SIZE, SIZE) * 2 - 1, torch.randn(3, 1, SIZE, SIZE)
    noisy = x + sigma[:, None, None, None] * noise
    ours = loss_weight(config, sigma) * (VP(noisy, sigma, condition) - x).square().mean((1, 2, 3))
    # Eq. (4), Ho et al. 2020: the network sees sqrt(bar) x + sqrt(1 - bar) eps and predicts eps.
    bars = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 2000, dtype=torch.float64), 0).float()
    bar = bars[steps][:, None, None, None]
    h = F.pixel_unshuffle(bar.sqrt() * x + (1 - bar).sqrt() * noise, 2)
    weights = {"log_weights": condition.weights.log()}
    predicted = VP.unet(h, steps.float(), condition.tokens, cross_attention_kwargs=weights).sample
    theirs = (F.pixel_shuffle(predicted, 2) - noise).square().mean((1, 2, 3))
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-4)


@given(st.floats(0.002, 80))
def test_the_edm_loss_has_unit_weight_on_the_networks_own_target(sigma):
    sigma = torch.tensor([sigma], dtype=torch.float64)
    weight = loss_weight(DiffusionConfig(), sigma)
    assert (weight * EDM.precondition(sigma)[1] ** 2).item() == pytest.approx(1)


def ideal_network(mean: float, std: float, sigma: torch.Tensor, kind: str):
    """What the net has to answer so that D is exact for pixels N(mean, std^2): written per kind from Eq. (7)."""
    s2, d2 = (sigma**2)[:, None, None, None], 0.25

    def network(h, time, tokens, **kwargs):
        noisy = h * (s2 + d2).sqrt()
        clean = (std**2 * noisy + s2 * mean) / (std**2 + s2)
        if kind == "x":
            return (clean,)
        return ((clean - noisy * d2 / (s2 + d2)) * (s2 + d2).sqrt() / (s2 * d2).sqrt(),)

    return network


@torch.no_grad()
@pytest.mark.parametrize("kind", ["edm", "x"])
def test_an_ideal_net_gives_the_exact_denoiser_of_gaussian_pixels_and_its_least_loss(kind, monkeypatch):
    mean, std = 0.3, 0.4
    denoiser, generator = tiny_denoiser(preconditioning=kind), torch.Generator().manual_seed(0)
    sigma = torch.tensor([0.02, 0.3, 1.0, 9.0]).repeat_interleave(200)
    monkeypatch.setattr(denoiser.unet, "forward", ideal_network(mean, std, sigma, kind))
    x = mean + std * torch.randn(len(sigma), 1, SIZE, SIZE, generator=generator)
    noisy = x + sigma[:, None, None, None] * torch.randn(x.shape, generator=generator)
    clean = denoiser(noisy, sigma, random_condition(len(sigma)))
    exact = GaussianDenoiser(mean, std)(noisy, sigma, null_condition(len(sigma), DIM))
    torch.testing.assert_close(clean, exact, rtol=1e-4, atol=1e-5)
    config = DiffusionConfig(preconditioning=kind, weight_cap=100.0)
    losses = (loss_weight(config, sigma) * (clean - x).square().mean((1, 2, 3))).unflatten(0, (4, 200)).mean(1)
    for level, loss in zip((0.02, 0.3, 1.0, 9.0), losses.tolist(), strict=True):
        weight = min(1 / level**2 + 1 / 0.25, 100.0)  # Karras et al. 2022, Table 1, and the cap
        assert loss == pytest.approx(weight * std**2 * level**2 / (std**2 + level**2), rel=0.03)


def test_the_cap_of_the_loss_leaves_other_weights_and_the_default_bits_alone():
    sigma = torch.logspace(-3, 2, 50)
    plain = (sigma**2 + 0.5**2) / (sigma * 0.5) ** 2
    assert torch.equal(loss_weight(DiffusionConfig(), sigma), plain)
    capped = loss_weight(DiffusionConfig(preconditioning="x", weight_cap=100.0), sigma)
    assert torch.equal(capped, plain.clamp(max=100)) and (capped < plain).any() and (capped == plain).any()


@pytest.mark.parametrize("tokens", [1, 3, 16])
def test_attention_spelled_out_for_training_is_the_same_attention(tokens):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 16, 8, generator=generator, dtype=torch.float64)
    key, value = (torch.randn(2, 4, tokens, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    bias = torch.randn(2, 1, 1, tokens, generator=generator, dtype=torch.float64)
    for added in (None, bias):
        expected = F.scaled_dot_product_attention(query, key, value, attn_mask=added)
        kernel = query.clone().requires_grad_()
        assert torch.equal(attend(kernel, key, value, added), expected)  # a finished net, whoever follows its gradient
        assert torch.equal(attend(query, key, value, added, learning=True), expected)  # nothing is learned here
        spelled = query.clone().requires_grad_()
        torch.testing.assert_close(attend(spelled, key, value, added, learning=True), expected)
        grads = [
            torch.autograd.grad(attend(q, key, value, added, learning=q is spelled).sin().sum(), q)[0]
            for q in (kernel, spelled)
        ]
        torch.testing.assert_close(*grads)


def test_training_noise_levels_are_log_normal_or_uniform_over_the_chain():
    generator = torch.Generator().manual_seed(0)
    levels = sample_sigmas(DiffusionConfig(), 20_000, generator).log()
    assert levels.mean().item() == pytest.approx(-1.2, abs=0.03)
    assert levels.std().item() == pytest.approx(1.2, abs=0.03)
    chain = chain_sigmas(2000)
    levels = sample_sigmas(DiffusionConfig(preconditioning="vp"), 20_000, generator)
    assert torch.isin(levels, chain).all()
    steps = torch.searchsorted(chain, levels).float()
    assert steps.mean().item() == pytest.approx(999.5, abs=15)
    assert steps.std().item() == pytest.approx(2000 / math.sqrt(12), rel=0.03)


@torch.no_grad()
def test_a_denoiser_reads_back_from_disk_bit_by_bit(tmp_path, denoiser):
    denoiser.save_pretrained(tmp_path)
    again = Denoiser.from_pretrained(tmp_path)
    x, sigma, condition = torch.randn(2, 1, SIZE, SIZE), torch.tensor([0.5, 2.0]), random_condition(2)
    assert torch.equal(again(x, sigma, condition), denoiser(x, sigma, condition))


def test_the_published_net_has_36_million_parameters():
    with torch.device("meta"):
        net = build_denoiser(NETS["paper"], DiffusionConfig(), channels=3, size=32, token_dim=128)
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(36, abs=1.5)


def test_what_the_net_cannot_do_is_refused():
    options = dict(block_out_channels=(16, 32), attention_levels=(1,), norm_groups=8)
    with pytest.raises(ValueError, match="image_size: expected a multiple of 4 for this net, got 18"):
        Denoiser(image_size=18, **options)
    with pytest.raises(ValueError, match="preconditioning: expected 'edm', 'x' or 'vp', got 've'"):
        Denoiser(image_size=16, preconditioning="ve", **options)


EDM, VP = tiny_denoiser(), tiny_denoiser(preconditioning="vp")
