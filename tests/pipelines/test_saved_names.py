"""A saved pipeline names what `pdm` exports; names of earlier versions load; no other name is ever imported."""

import json
import shutil

import pytest
import torch

import pdm
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.saved_names import CLASSES, OLD_LIBRARIES, PARTS
from tests.pipelines.test_loading import pictures
from tests.tiny import seeds

# As version 0.1 wrote them (assets/fashion-mnist and assets/cifar10, word for word).
OLD_PDM = """{
  "_class_name": "PDMPipeline",
  "_diffusers_version": "0.42.1",
  "bank": [
    "pdm.prototypes",
    "PrototypeBank"
  ],
  "denoiser": [
    "pdm.denoiser",
    "Denoiser"
  ],
  "scheduler": [
    "diffusers",
    "DPMSolverMultistepScheduler"
  ],
  "student": [
    "pdm.denoiser",
    "Denoiser"
  ]
}
"""
OLD_RDM = """{
  "_class_name": "RDMPipeline",
  "_diffusers_version": "0.42.1",
  "clip": null,
  "denoiser": [
    "pdm.denoiser",
    "Denoiser"
  ],
  "encoder": [
    "pdm.encoders",
    "StaticEncoder"
  ],
  "memory": [
    "pdm.memory",
    "Memory"
  ],
  "neighbours": 4,
  "scheduler": [
    "diffusers",
    "DPMSolverMultistepScheduler"
  ],
  "student": [
    null,
    null
  ],
  "top_m": 0.1
}
"""


def index_of(folder) -> dict:
    return json.loads((folder / "model_index.json").read_text())


@pytest.fixture
def old(saved, tmp_path):
    """A model folder with the indices of version 0.1. Its student is a copy of the denoiser."""
    folder = shutil.copytree(saved, tmp_path / "old")
    shutil.copytree(folder / "pdm" / "denoiser", folder / "pdm" / "student")
    (folder / "pdm" / "model_index.json").write_text(OLD_PDM)
    (folder / "rdm" / "model_index.json").write_text(OLD_RDM)
    return folder


@pytest.fixture
def tampered(saved, tmp_path):
    """Writes a part of the PDM index anew and returns the folder."""

    def write(part: str, value):
        folder = shutil.copytree(saved / "pdm", tmp_path / "pdm")
        index = index_of(folder) | {part: value}
        (folder / "model_index.json").write_text(json.dumps(index))
        return folder

    return write


def test_pdm_exports_every_class_that_a_saved_pipeline_names():
    assert set(PARTS.values()) == set(CLASSES) == set(OLD_LIBRARIES)
    for name, kind in CLASSES.items():
        assert name in pdm.__all__ and getattr(pdm, name) is kind


def test_a_pipeline_of_version_0_1_paints_the_same_bits(old, pdm_pipeline, rdm_pipeline):
    assert torch.equal(pictures(PDMPipeline.from_pretrained(old / "pdm", student=None)), pictures(pdm_pipeline))
    loaded = load_pipeline(old, "pdm")
    assert loaded.student is not None
    by_denoiser = {"num_inference_steps": 2, "output_type": "pt", "sampler": "dpm++2m", "num_images": 2}
    painted, expected = (p(generator=seeds(1, 2), **by_denoiser).images for p in (loaded, pdm_pipeline))
    assert torch.equal(painted, expected)
    assert torch.equal(pictures(load_pipeline(old, "rdm")), pictures(rdm_pipeline))


def test_saving_an_old_pipeline_again_writes_the_names_of_today(old, tmp_path):
    for method, student in (("pdm", ["pdm", "Denoiser"]), ("rdm", [None, None])):
        load_pipeline(old, method).save_pretrained(tmp_path / "again")
        index = index_of(tmp_path / "again")
        assert "pdm." not in json.dumps(index)
        assert index["denoiser"] == ["pdm", "Denoiser"] and index["student"] == student
        assert index["scheduler"] == ["diffusers", "DPMSolverMultistepScheduler"]
    assert index["memory"] == ["pdm", "Memory"] and index["encoder"] == ["pdm", "StaticEncoder"]


@pytest.mark.parametrize("kind", [PDMPipeline, RDMPipeline])
def test_parts_make_the_round_trip(kind, pdm_pipeline, rdm_pipeline, tmp_path):
    pipeline = pdm_pipeline if kind is PDMPipeline else rdm_pipeline
    pipeline.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    assert {n: type(p) for n, p in loaded.components.items()} == {n: type(p) for n, p in pipeline.components.items()}
    rebuilt = kind(**loaded.components, **({"top_m": 0.1} if kind is RDMPipeline else {}))
    rebuilt.denoiser = loaded.denoiser  # diffusers notes the name again where a part is replaced
    assert rebuilt.config["denoiser"] == ("pdm", "Denoiser")
    assert torch.equal(pictures(rebuilt), pictures(pipeline))


@pytest.mark.parametrize("part", ["denoiser", "bank", "student"])
@pytest.mark.parametrize("value", [["os", "system"], ["pdm", "Trainer"], ["pdm.config", "Denoiser"], ["pdm"], "os", 3])
def test_a_part_of_another_name_is_refused(tampered, part, value):
    with pytest.raises(ValueError, match=f'{part}: expected \\["pdm", "(Denoiser|PrototypeBank)"\\], got') as caught:
        load_pipeline(tampered(part, value))
    assert "\n" not in str(caught.value) and repr(value) in str(caught.value)


def test_a_module_that_an_index_names_is_not_imported(tampered, tmp_path, monkeypatch):
    (tmp_path / "not_ours.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    for part in ("denoiser", "scheduler"):
        folder = tampered(part, ["not_ours", "Denoiser"])
        with pytest.raises(ValueError, match=f"{part}: expected"):
            PDMPipeline.from_pretrained(folder)
        assert not (tmp_path / "imported").exists()
        shutil.rmtree(folder)


def test_code_beside_the_weights_is_not_run(tampered, tmp_path):
    folder = tampered("_class_name", ["theirs", "PDMPipeline"])
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    with pytest.raises(ValueError, match="_class_name: expected a pipeline of pdm"):
        PDMPipeline.from_pretrained(folder, trust_remote_code=True)
    assert not (tmp_path / "imported").exists()
