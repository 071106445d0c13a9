"""The benchmark of canvases: its scenes, its crops, its seams, and that a quick run measures all of it."""

import pytest
import torch

from pdm.experiments.bench import canvas as section
from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.canvas_scenes import Scene, scenes, seam_energies
from pdm.sampling.windows import plan
from tests.tiny import SIZE, tiny_feature_net


@pytest.fixture
def scene() -> Scene:
    indices = torch.zeros(32, 64, dtype=torch.long)
    indices[:, 24:] = 1
    return Scene(indices, (7, 2))


def test_crops_lie_wholly_inside_a_region_and_are_asked_for_its_prototype(scene):
    image = torch.stack([scene.indices.to(torch.uint8)])
    crops, prototypes = scene.crops(image, 16)
    assert prototypes.tolist() == [7, 7, 7, *[2] * 7] * 5
    assert all(crop.unique().tolist() == [{7: 0, 2: 1}[k]] for crop, k in zip(crops, prototypes.tolist(), strict=True))


def test_the_crops_of_a_mosaic_are_its_pictures(scene):
    crops, prototypes = scene.crops(torch.stack([scene.indices.to(torch.uint8)]), 16, 16)
    assert prototypes.tolist() == [7, 2, 2] * 2 and crops.shape == (6, 1, 16, 16)


def test_random_scenes_have_two_to_six_regions_and_a_crop_in_one_of_them():
    drawn = scenes(12, 64, 16, range(8), torch.Generator().manual_seed(0))
    assert {len(s.prototypes) for s in drawn} <= {2, 3, 4, 5, 6} and len({s.prototypes for s in drawn}) > 8
    for s in drawn:
        assert len(set(s.prototypes)) == len(s.prototypes) and len(s.crops(torch.zeros(1, 64, 64), 16)[0])
        assert torch.allclose(s.regions(2.0).masks.sum(0), torch.ones(64, 64), atol=1e-3)


def test_a_seam_between_windows_is_seen_and_the_border_of_a_region_is_none(scene):
    image = torch.randint(0, 20, (3, 32, 64), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    windows = plan(32, 64, 16, 4)
    seams, elsewhere = seam_energies(image, scene.indices, windows, 16)
    assert 0.8 < seams / elsewhere < 1.25
    bordered = image.clone()
    bordered[:, :, 24:] += 100
    assert seam_energies(bordered, scene.indices, windows, 16) == (seams, elsewhere)
    bordered[:, :, 40:] += 100
    seamed, same = seam_energies(bordered, scene.indices, windows, 16)
    assert seamed > 5 * seams and same == pytest.approx(elsewhere)


def test_a_quick_run_measures_every_key(saved, monkeypatch):
    monkeypatch.setattr(section, "load_feature_net", lambda folder: tiny_feature_net())
    monkeypatch.setattr(section, "peak_mb", lambda bench, side: 1.0 * side)
    numbers, settings = section.canvas(Bench(saved, "none", torch.device("cpu"), quick=True))
    keys = "obeyed chance class_obeyed class_whole class_lost seams seams_most full_s pictures_s full_ratio peak_mb"
    assert {f"canvas.{key}" for key in keys.split()} <= set(numbers) and numbers["canvas.peak_mb"] == 2 * SIZE
    assert all(v is not None and v == v for k, v in numbers.items() if k != "canvas.sketch_s")
    assert numbers["canvas.sketch_s"] is None and settings["tiling"] == "whole"  # it has no student
    assert 0 <= numbers["canvas.obeyed"] <= 1 and "canvas.windows.obeyed" in numbers


def test_a_mosaic_has_no_seams_to_measure(saved, monkeypatch):
    monkeypatch.setattr(section, "load_feature_net", lambda folder: tiny_feature_net())
    bench = Bench(saved, "none", torch.device("cpu"), quick=True)
    drawn = scenes(1, 2 * SIZE, SIZE, range(bench.pdm.bank.count), torch.Generator().manual_seed(1))
    seams = {tiling: section._obeyed(bench, drawn, tiling)["canvas.seams"] for tiling in ("windows", "mosaic")}
    assert seams["mosaic"] is None and seams["windows"] is not None
