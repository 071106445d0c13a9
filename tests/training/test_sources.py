"""Sources of training conditions: the loop asks all of them alike."""

import pytest
import torch

from pdm.map.entries import load_classes
from pdm.model.denoiser import build_denoiser
from pdm.sampling.solvers import make_scheduler
from pdm.training.sources.make import SOURCES, make_source
from pdm.training.sources.source import Source
from tests.tiny import banded, tiny_config


def tensors_of(source: Source) -> dict[str, torch.Tensor]:
    parts = [part for part in source.state_dict().values() if isinstance(part, dict)]
    return {k: v.clone() for part in parts for k, v in part.items() if isinstance(v, torch.Tensor)}


@pytest.mark.parametrize("method", SOURCES)
def test_a_prepared_source_gives_conditions_a_pipeline_that_takes_them_and_what_lies_beside_it(method, tmp_path):
    config, data = tiny_config(method), banded()
    source = make_source(config, data, torch.device("cpu"))
    source.prepare(lambda *_: None)
    assert source.prepared
    rows = torch.arange(4)
    x = data.images[rows].float() / 127.5 - 1
    condition, _ = source.condition(x, rows, 0.0, torch.Generator().manual_seed(0))
    assert len(condition) == 4 and condition.tokens.shape[2] == source.token_dim
    assert bool(condition.is_null.all()) == (method == "unconditional")
    channels, size = data.images.shape[1], config.image_size
    denoiser = build_denoiser(
        config.net, config.diffusion, channels=channels, size=size, token_dim=source.token_dim
    ).eval()
    pipeline = source.pipeline(denoiser, make_scheduler("dpm++2m"), 1.5)
    assert pipeline.denoiser is denoiser and pipeline.config.guidance_scale == 1.5
    assert ("used" in (source.summary(8) or "")) == (method == "pdm")
    source.save_extra(tmp_path)
    assert (load_classes(tmp_path, min(config.memory.entries, len(data))) is not None) == (method == "rdm")


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_halving_a_pipeline_leaves_what_training_goes_on_with_as_it_was(method):
    config, data = tiny_config(method), banded()
    source = make_source(config, data, torch.device("cpu"))
    source.prepare(lambda *_: None)
    before = tensors_of(source)
    denoiser = build_denoiser(
        config.net, config.diffusion, channels=1, size=config.image_size, token_dim=source.token_dim
    )
    pipeline = source.pipeline(denoiser, make_scheduler("dpm++2m"), 1.0)
    source.halve(pipeline)
    net = pipeline.encoder if method == "rdm" else pipeline.bank.encoder
    assert {p.dtype for p in net.parameters()} == {torch.float16}
    after = tensors_of(source)
    assert all(torch.equal(after[k], v) and after[k].dtype == v.dtype for k, v in before.items())


def test_the_pipeline_of_no_condition_is_the_same_whatever_was_drawn_before():
    config, data = tiny_config("unconditional"), banded()
    source = make_source(config, data, torch.device("cpu"))
    denoiser = build_denoiser(config.net, config.diffusion, channels=1, size=16, token_dim=source.token_dim)
    one, other = (source.pipeline(denoiser, make_scheduler("dpm++2m"), 1.0).bank.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
