"""The map: saved, searched exactly, and new points placed among images that never move."""

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from pdm.map.projection import SPRITE_COLUMNS, PrototypeMap, fit_map, load_map, save_map
from tests.stored_features import assert_stored
from tests.tiny import banded


@pytest.fixture
def folder(prototype_map, tmp_path):
    return save_map(prototype_map, tmp_path / "map")


def assert_equal(one: PrototypeMap, other: PrototypeMap) -> None:
    assert (one.data_set, one.class_names) == (other.data_set, other.class_names)
    assert one.generated == other.generated
    for name in ("xy", "labels", "images"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert_stored(one.features, other.features)


@pytest.mark.parametrize("count", [96, SPRITE_COLUMNS, SPRITE_COLUMNS + 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_map_is_the_same_map(tmp_path, count, channels):
    data = banded(per_class=30, channels=channels, seed=count).subset(slice(count))
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(count, 8, generator=generator)
    labels = data.labels.clone()
    labels[::7] = -1  # images without a label
    made = PrototypeMap(
        "banded", data.class_names, torch.randn(count, 2, generator=generator), features, labels, data.images
    )
    assert_equal(load_map(save_map(made, tmp_path / "map")), made)


def test_a_map_of_an_earlier_version_kept_its_features_in_half_precision(prototype_map, folder):
    tensors = load_file(folder / "map.safetensors")
    del tensors["scales"]
    save_file(tensors | {"features": prototype_map.features.half()}, folder / "map.safetensors")
    assert torch.equal(load_map(folder).features, prototype_map.features.half().float())


def test_a_generated_map_says_so_and_a_lossy_sheet_keeps_its_pictures_nearly(prototype_map, tmp_path):
    smooth = F.interpolate(
        torch.rand(96, 3, 4, 4, generator=torch.Generator().manual_seed(0)), size=16, mode="bilinear"
    )
    made = replace(prototype_map, images=(255 * smooth).byte(), generated=True)
    folder = save_map(made, tmp_path / "map", lossy=True)
    assert sorted(p.name for p in folder.iterdir()) == ["images.webp", "map.json", "map.safetensors"]
    found = load_map(folder)
    assert (found.images.float() - made.images.float()).abs().mean() < 12 and found.sheet == folder / "images.webp"
    assert_equal(replace(found, images=made.images), made)


def test_pictures_that_are_not_square_keep_their_sides(prototype_map, tmp_path):
    wide = replace(prototype_map, images=prototype_map.images[:, :, :10])
    assert_equal(load_map(save_map(wide, tmp_path / "map")), wide)


def test_nearest_images_are_those_of_brute_force(prototype_map, bank):
    vectors = bank.vectors.detach()
    ids, distances = prototype_map.nearest(vectors, 5)
    for vector, row, found in zip(vectors, ids.tolist(), distances.tolist(), strict=True):
        naive = ((prototype_map.features - vector) ** 2).sum(1).sqrt()
        assert found == pytest.approx(naive.sort().values[:5].tolist(), abs=1e-5)
        assert naive[row].tolist() == pytest.approx(found, abs=1e-5)


def test_a_stored_image_is_at_distance_zero_from_itself_and_lies_on_its_own_coordinate(prototype_map):
    ids, distances = prototype_map.nearest(prototype_map.features, 1)
    assert ids[:, 0].tolist() == list(range(96))
    assert distances.max() < 1e-6
    assert torch.allclose(prototype_map.place(prototype_map.features), prototype_map.xy, atol=1e-3)


def test_a_point_between_two_images_lies_between_them_nearer_to_the_nearer_one():
    far = torch.full((12, 2), 1e9)
    features = torch.cat([torch.tensor([[0.0, 0.0], [4.0, 0.0]]), far])
    xy = torch.cat([torch.tensor([[0.0, 0.0], [8.0, 4.0]]), torch.zeros(12, 2)])
    flat = PrototypeMap("two", (), xy, features, torch.zeros(14), torch.zeros(14, 1, 2, 2, dtype=torch.uint8))
    # distances 1 and 3: weights 3/4 and 1/4
    assert flat.place(torch.tensor([[1.0, 0.0]]))[0].tolist() == pytest.approx([2, 1], abs=1e-4)


def test_a_new_point_lies_within_the_bounds_of_the_map(prototype_map):
    placed = prototype_map.place(torch.randn(50, 16, generator=torch.Generator().manual_seed(1)))
    assert (placed >= prototype_map.xy.amin(0) - 1e-4).all() and (placed <= prototype_map.xy.amax(0) + 1e-4).all()


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path):
    path.write_bytes(b"\0\xff" * 100)


@pytest.mark.parametrize("name", ["map.json", "map.safetensors", "images.png"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), cut, scramble])
def test_a_missing_or_damaged_file_is_one_line_that_names_the_folder(folder, name, damage):
    damage(folder / name)
    with pytest.raises(ValueError, match="^map .*expected map.json, map.safetensors and the images, got: ") as caught:
        load_map(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [[], {"tile": 16}, {"columns": 7}, {"images": 97}, {"images": "96"}])
def test_a_description_that_does_not_fit_is_refused(folder, values):
    meta = json.loads((folder / "map.json").read_text())
    (folder / "map.json").write_text(json.dumps(meta | values if isinstance(values, dict) else values))
    with pytest.raises(ValueError, match="^map "):
        load_map(folder)


def test_files_of_two_maps_are_refused_together(folder):
    tensors = load_file(folder / "map.safetensors")
    save_file({name: value[:50].clone() for name, value in tensors.items()}, folder / "map.safetensors")
    with pytest.raises(ValueError, match="'xy': 50.* instead of 96"):
        load_map(folder)


def test_a_sheet_of_too_few_pictures_is_refused(folder):
    with Image.open(folder / "images.png") as sheet:
        size = sheet.width, sheet.height
    assert size == (16 * SPRITE_COLUMNS, 16)
    Image.new("L", (size[0], 8)).save(folder / "images.png")
    with pytest.raises(ValueError, match="^map "):
        load_map(folder)


def test_a_full_disk_leaves_the_old_map(prototype_map, folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pdm.map.projection.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save_map(replace(prototype_map, data_set="other"), folder)
    assert load_map(folder).data_set == "banded"
    assert [p.name for p in folder.parent.iterdir()] == ["map"]


def test_too_few_images_make_no_map(bank, images):
    with pytest.raises(ValueError, match="^map: expected at least 10 images, got 9"):
        fit_map(bank, images.subset(slice(9)))
