"""Pipelines come back as they were saved, from a folder, a name or the hub's cache; what is wrong is one line."""

import json
import shutil

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from pdm.pipelines import loading
from pdm.pipelines.loading import load_pipeline, model_folder, resolve
from tests.tiny import seeds

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of the model folder, to be damaged."""
    return shutil.copytree(saved, tmp_path / "tiny")


@pytest.fixture
def cache(saved, tmp_path, monkeypatch):
    """The hub's cache as `snapshot_download` would have left it: models--someone--tiny/{refs, snapshots}."""
    repository, commit = tmp_path / "hub" / "models--someone--tiny", "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(saved, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return repository


def pictures(pipeline) -> torch.Tensor:
    return pipeline(num_images=2, generator=seeds(1, 2), num_inference_steps=2, output_type="pt").images


def error_of(*arguments) -> str:
    with pytest.raises(ValueError) as caught:
        load_pipeline(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_model_folder_and_a_pipeline_folder_give_the_saved_pipelines(saved, pdm_pipeline, rdm_pipeline):
    for method, pipeline in (("pdm", pdm_pipeline), ("rdm", rdm_pipeline)):
        expected = pictures(pipeline)
        assert torch.equal(pictures(load_pipeline(saved, method)), expected)
        assert torch.equal(pictures(load_pipeline(str(saved / method), method)), expected)


def test_the_unconditional_branch_of_a_model_without_its_own_is_pdms(saved):
    assert resolve(saved, "unconditional") == saved / "pdm"
    assert resolve(saved / "rdm", "unconditional") == saved / "rdm"


def test_the_folder_that_a_training_wrote_gives_its_pipeline(saved, tmp_path):
    shutil.copytree(saved / "rdm", tmp_path / "run" / "pipeline")
    assert resolve(tmp_path / "run", "rdm") == tmp_path / "run" / "pipeline"
    assert error_of(tmp_path / "run", "pdm").endswith("expected a PDMPipeline for method 'pdm', got 'RDMPipeline'")


def test_an_unconditional_model_of_its_own_comes_first(copy):
    shutil.copytree(copy / "pdm", copy / "unconditional")
    assert resolve(copy, "unconditional") == copy / "unconditional"


def test_only_the_denoiser_takes_the_fast_precision_and_nothing_is_trained(saved):
    pipeline = load_pipeline(saved, "rdm", "cpu", torch.bfloat16)
    assert pipeline.denoiser.dtype == torch.bfloat16
    assert pipeline.memory.embeddings.dtype == pipeline.encoder.dtype == torch.float32
    assert not any(p.requires_grad for part in (pipeline.denoiser, pipeline.encoder) for p in part.parameters())
    assert not pipeline.denoiser.training


def test_a_shipped_model_is_found_by_its_name(saved, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "ASSETS", saved.parent)
    assert resolve("tiny", "rdm") == saved / "rdm"
    with pytest.raises(ValueError, match=r"one of the shipped models \(tiny\), or a hub id, got 'other'"):
        model_folder("other")


def test_where_nothing_ships_one_line_says_where_to_get_a_model(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "ASSETS", tmp_path / "assets")
    message = error_of("fashion-mnist")
    for part in ("a folder", "PDM_ASSETS", "a hub id", "got 'fashion-mnist'"):
        assert part in message
    with pytest.raises(ValueError, match="PDM_ASSETS"):
        loading.shipped_model("fashion-mnist")


@pytest.mark.parametrize("name", ["../models", "../secret", "tiny/..", "tiny/../../secret", "..", "~", "%2e%2e"])
def test_a_name_reaches_nothing_outside_the_shipped_models(saved, monkeypatch, tmp_path, name):
    assets = shutil.copytree(saved.parent, tmp_path / "models")
    shutil.copytree(saved, tmp_path / "secret")
    (tmp_path / "work" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "inner")
    monkeypatch.setattr(loading, "ASSETS", assets)
    assert "expected a" in error_of(name)


@pytest.mark.parametrize("name", ["nowhere", "", "../x", "a/b/c", "x/../y", "-/-", "someone/..", "a\0b", "http://x/y"])
def test_what_is_no_model_is_refused_in_one_line(monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    message = error_of(name)
    assert repr(name) in message or (name == "" and message.startswith(".: expected a pipeline"))


def test_a_hub_id_without_a_network_is_one_line_that_quotes_it(capfd):
    message = error_of("someone/no-such-model")
    assert "a hub id that can be reached, got 'someone/no-such-model'" in message
    assert capfd.readouterr().err == ""


def test_a_hub_id_in_the_hubs_cache_loads_without_a_network(cache, pdm_pipeline, rdm_pipeline):
    assert torch.equal(pictures(load_pipeline("someone/tiny", "pdm")), pictures(pdm_pipeline))
    assert torch.equal(pictures(load_pipeline("someone/tiny", "rdm")), pictures(rdm_pipeline))


def test_an_incomplete_download_in_the_hubs_cache_is_one_line(cache):
    next(cache.glob("snapshots/*/pdm/bank/*.safetensors")).unlink()
    assert "expected a complete pipeline" in error_of("someone/tiny")


@pytest.mark.parametrize("part", ["denoiser", "bank"])
def test_a_truncated_file_is_named(copy, part):
    path = copy / "pdm" / part / WEIGHTS
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = error_of(copy)
    assert message.startswith(f"{path}: expected complete weights, got a truncated or damaged file")


@pytest.mark.parametrize("part", ["denoiser", "bank"])
def test_a_missing_tensor_is_named_and_never_left_random(copy, part):
    path = copy / "pdm" / part / WEIGHTS
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    del tensors[name]
    save_file(tensors, path, {"format": "pt"})
    message = error_of(copy)
    assert str(copy / "pdm") in message and name in message


@pytest.mark.parametrize("part", [WEIGHTS, "config.json"])
def test_a_missing_file_of_a_part_is_refused(copy, part):
    (copy / "pdm" / "denoiser" / part).unlink()
    assert error_of(copy).startswith(f"{copy / 'pdm'}: expected a complete pipeline of this version, got: ")


def test_a_missing_part_is_refused(copy):
    shutil.rmtree(copy / "pdm" / "bank")
    assert error_of(copy).startswith(f"{copy / 'pdm'}: expected a complete pipeline of this version, got: ")


def test_a_pipeline_of_another_method_is_refused_by_both_names(saved):
    message = error_of(saved / "rdm", "pdm")
    assert message == f"{saved / 'rdm'}: expected a PDMPipeline for method 'pdm', got 'RDMPipeline'"


def test_an_unknown_method_is_refused(saved):
    assert error_of(saved, "gan") == "method: expected one of pdm, rdm, unconditional, s-pdm, paper, got 'gan'"


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    assert error_of(tmp_path) == f"{tmp_path}: expected a pipeline (model_index.json) for method 'pdm' in it, got none"


FOREIGN = [json.dumps({"_class_name": name}) for name in ("StableDiffusionPipeline", "x" * 20_000)]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", *FOREIGN], ids=range(6))
def test_a_damaged_or_foreign_index_is_refused(copy, text):
    (copy / "pdm" / "model_index.json").write_text(text)
    message = error_of(copy)
    assert str(copy / "pdm") in message and "expected" in message and len(message) < 1000


@pytest.mark.parametrize(
    "field, value", [("prediction_type", "a\nb"), ("beta_start", float("nan")), ("solver_order", 9)]
)
def test_a_scheduler_that_would_fail_at_painting_is_refused_before(copy, field, value):
    path = copy / "pdm" / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    message = error_of(copy)
    assert str(copy / "pdm") in message and "expected" in message and "\n" not in message


def test_libraries_may_talk_again_after_a_load(saved):
    from diffusers.utils import logging
    from huggingface_hub import logging as hub_logging

    before = logging.get_verbosity(), hub_logging.get_verbosity()
    load_pipeline(saved)
    error_of("someone/no-such-model")
    assert (logging.get_verbosity(), hub_logging.get_verbosity()) == before


def test_the_hubs_warnings_about_retries_are_not_shown(monkeypatch, caplog, capfd):
    import huggingface_hub

    def retry(*arguments, **options):
        huggingface_hub.logging.get_logger("huggingface_hub.utils._http").warning("Retrying in 1s [Retry 1/5].")
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", retry)
    assert "no network" in error_of("someone/tiny")
    assert "Retrying" not in capfd.readouterr().err and "Retrying" not in caplog.text


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_a_loaded_pipeline_saves_no_path_that_it_came_from(saved, tmp_path, method):
    other = tmp_path / "other.json"
    other.write_text('{"_name_or_path": "kept"}')  # nothing but its own files is touched
    load_pipeline(saved, method).save_pretrained(tmp_path)
    assert not [p for p in tmp_path.rglob("*.json") if p != other and str(saved) in p.read_text()]
    assert other.read_text() == '{"_name_or_path": "kept"}'
