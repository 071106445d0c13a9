"""A model may have a guidance of its own: saved with it, and used wherever nothing else is asked for."""

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pdm.config import DiffusionConfig, preset
from pdm.evaluation.drawing import Sampling, Variant, draw
from pdm.experiments.bench import quality, speed
from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.prototypes import prototype_fidelity
from pdm.map.generated import generated_data
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.training.train import train
from tests.command_line import done, refused
from tests.tiny import banded, seeds, tiny_config

pytestmark = pytest.mark.usefixtures("small_grid")

OWN = 3.0
SHORT = {"num_images": 2, "num_inference_steps": 4, "output_type": "pt"}


def pixels(pipeline, **options) -> torch.Tensor:
    return pipeline(generator=seeds(1, 2), **SHORT, **options).images.int()


def with_guidance(folder: Path, value: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"guidance_scale": value}))


@pytest.fixture(scope="module")
def guided(saved, tmp_path_factory) -> Path:
    """The tiny model with a guidance of its own."""
    folder = tmp_path_factory.mktemp("models") / "guided"
    shutil.copytree(saved, folder)
    for method in ("pdm", "rdm"):
        with_guidance(folder / method, OWN)
    return folder


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_it_is_used_where_a_call_names_none(guided, method):
    pipeline = load_pipeline(guided, method)
    made = pixels(pipeline)
    assert torch.equal(made, pixels(pipeline, guidance_scale=OWN))
    assert (made - pixels(pipeline, guidance_scale=1.0)).abs().max() > 3


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_it_acts_at_the_models_own_noise_levels_where_a_call_names_none(guided, method):
    pipeline = load_pipeline(guided, method)
    everywhere = pixels(pipeline)
    pipeline.register_to_config(guided_above=1.0)
    made = pixels(pipeline)
    assert torch.equal(made, pixels(pipeline, guidance_interval=(1.0, math.inf)))
    assert torch.equal(everywhere, pixels(pipeline, guidance_interval=(0.0, math.inf)))
    assert (made - everywhere).abs().max() > 3


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_pack_gives_a_model_its_own(saved, method, tmp_path, capfd):
    asked = ("pack", "--model", saved / method, "--method", method, "--guidance", OWN, "--guided-above", 0.3)
    done(capfd, *asked, "--out", tmp_path / "packed")
    config = load_pipeline(tmp_path / "packed", method).config
    assert (config.guidance_scale, config.guided_above) == (OWN, 0.3)
    for option, value in (("--guidance", -1), ("--guided-above", "nan")):
        asked = ("pack", "--model", saved / method, "--method", method, option, value, "--out", tmp_path / "wrong")
        assert "expected a finite" in refused(capfd, *asked) and not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_pack_gives_a_model_its_own_noise_levels(saved, method, tmp_path, capfd):
    asked = ("pack", "--model", saved / method, "--method", method, "--lowest-level")
    done(capfd, *asked, 0.1, "--out", tmp_path / "packed")
    before, after = (load_pipeline(place, method) for place in (saved / method, tmp_path / "packed"))
    json.loads((tmp_path / "packed" / "scheduler" / "scheduler_config.json").read_text(), parse_constant=pytest.fail)
    levels = [pipeline.scheduler_for("dpm++2m") for pipeline in (before, after)]
    for scheduler in levels:
        scheduler.set_timesteps(10)
    assert [float(scheduler.sigmas[-2]) for scheduler in levels] == pytest.approx([0.01, 0.1], rel=1e-2)
    assert "expected a noise level from 0.01 to 1, got 5" in refused(capfd, *asked, 5, "--out", tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_a_run_gives_it_to_its_model_and_without_one_there_is_none(method, tmp_path):
    for diffusion, own in ((DiffusionConfig(), 1.0), (DiffusionConfig(guidance=OWN), OWN)):
        made = train(tiny_config(method, diffusion=diffusion), banded(), tmp_path / str(own), cpu=True)
        assert load_pipeline(made, method).config.guidance_scale == own


def test_both_methods_of_a_preset_have_the_same():
    assert preset("cifar10-32-cpu").diffusion.guidance == preset("cifar10-32-cpu-rdm").diffusion.guidance == 2


def test_pictures_of_the_command_have_it_in_their_recipes(guided, tmp_path, capfd):
    def guidance(*options) -> float:
        done(capfd, "sample", "--model", guided, "--count", 1, "--steps", 1, "--out", tmp_path / "out", *options)
        return json.loads((tmp_path / "out" / "recipe.json").read_text())[0]["guidance"]

    assert (guidance(), guidance("--method", "rdm"), guidance("--guidance", 1.5)) == (OWN, OWN, 1.5)
    assert guidance("--guidance", "own") == OWN


def test_a_map_of_generated_pictures_shows_what_the_model_makes(guided):
    pipeline = load_pipeline(guided)
    sampling = Sampling(samples=4, guidance=OWN, seed=5)
    assert torch.equal(generated_data(pipeline, 4, seed=5).images, draw(pipeline, sampling, Variant("pdm"), quiet=True))


def test_fidelity_is_measured_with_it_and_without(guided, saved):
    numbers, settings = prototype_fidelity(Bench(guided, "none", torch.device("cpu"), quick=True))
    plain, _ = prototype_fidelity(Bench(saved, "none", torch.device("cpu"), quick=True))
    assert settings["guidance"] == OWN and set(numbers) == {*plain, "fidelity.plain_top1", "fidelity.plain_top5"}
    assert {key: numbers[key.replace(".", ".plain_")] for key in plain} == plain


def test_guided_distances_are_measured_with_it_and_at_one_and_a_half_without(guided, saved, monkeypatch):
    asked = []

    def features(pipeline, sampling, variant) -> torch.Tensor:
        asked.append(sampling.guidance)
        return torch.randn(8, 2)

    monkeypatch.setattr(
        quality, "frechet_features", lambda bench: (SimpleNamespace(features=torch.randn(8, 2)), features)
    )
    monkeypatch.setattr(quality, "_quality_settings", lambda *known: {})
    for folder, scale in ((guided, OWN), (saved, 1.5)):
        quality.guidance(Bench(folder, "none", torch.device("cpu"), quick=True))
        assert set(asked) == {scale} and len(asked) == 3
        asked.clear()


def test_speed_is_measured_without_it_as_the_bare_network_calls_are(guided, monkeypatch):
    asked, call = [], PDMPipeline.__call__

    def recorded(pipeline, *args, **options):
        asked.append(options.get("guidance_scale"))
        return call(pipeline, *args, **options)

    monkeypatch.setattr(PDMPipeline, "__call__", recorded)
    monkeypatch.setattr(speed, "published_pipeline", lambda bench: bench.pdm)
    speed.speed(Bench(guided, "none", torch.device("cpu"), quick=True))
    assert len(asked) > 2 and set(asked) == {1.0}


@pytest.mark.parametrize("wrong", [-1, math.nan, "2", None, True])
def test_an_impossible_one_is_one_line(pdm_pipeline, wrong):
    with pytest.raises(ValueError, match="^guidance_scale: expected a finite number of at least 0, got"):
        PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, pdm_pipeline.scheduler, guidance_scale=wrong)
    with pytest.raises(ValueError, match="^guided_above: expected a finite noise level of at least 0, got"):
        PDMPipeline(pdm_pipeline.denoiser, pdm_pipeline.bank, pdm_pipeline.scheduler, guided_above=wrong)


def test_a_saved_model_with_an_impossible_one_is_refused_in_one_line(guided, tmp_path, capfd):
    shutil.copytree(guided, tmp_path / "model")
    with_guidance(tmp_path / "model" / "pdm", "much")
    said = refused(capfd, "sample", "--model", tmp_path / "model", "--out", tmp_path / "out")
    assert "guidance_scale: expected a finite number of at least 0, got 'much'" in said
