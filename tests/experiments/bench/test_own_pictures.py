"""The benchmark on pictures of one's own: there and back, as another kind, half kept."""

import pytest
import torch

from pdm.experiments.bench.bars import BARS
from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.own_pictures import other_prototypes, own_pictures
from pdm.experiments.bench.run import sections
from pdm.support.paths import ASSETS


@pytest.fixture
def bench(pdm_pipeline, images, monkeypatch) -> Bench:
    bench = Bench(ASSETS / "none", "none", torch.device("cpu"), quick=True)
    for name, value in {"pdm": pdm_pipeline, "test": images}.items():
        monkeypatch.setitem(bench.__dict__, name, value)
    return bench


def test_every_key_is_measured_and_has_a_bar(bench):
    numbers, settings = own_pictures(bench)
    assert list(numbers) == ["invert.psnr", "invert.obeyed", "invert.structure", "canvas.kept"]
    assert set(numbers) < set(BARS)
    assert numbers["canvas.kept"] <= 2 and numbers["invert.psnr"] > 0 and -2 <= numbers["invert.structure"] <= 2
    assert settings["images"] == 2 and settings["lowest_psnr"] <= numbers["invert.psnr"]


def test_the_section_of_canvases_brings_that_of_own_pictures():
    assert sections("canvas,speed") == ["canvas", "speed", "invert", "stroke"] and sections("invert") == ["invert"]


def test_another_prototype_is_none_of_those_nearest_to_the_image(pdm_pipeline, images):
    others = other_prototypes(pdm_pipeline, images.images[:20])
    distances = pdm_pipeline.bank.distances(pdm_pipeline.bank.encode(images.images[:20].float() / 127.5 - 1))
    for k, row in zip(others, distances, strict=True):
        assert (row < row[k]).sum() >= 5
    assert len(set(others)) > 1
