"""A map's sheet is decoded only when its header says the size that the map's card does."""

import json
import shutil

import pytest
import torch

from pdm.map import sheet
from pdm.map.projection import load_map, save_map
from pdm.map.sheet import MAX_PIXELS, grid_of, read_grid


@pytest.fixture
def saved_map(prototype_map, tmp_path):
    return save_map(prototype_map, tmp_path / "map")


def test_a_huge_sheet_is_refused_by_its_header(saved_map, huge):
    shutil.copy(huge, saved_map / "images.png")
    with pytest.raises(ValueError, match="expected a PNG or WebP of 1600 x 16 pixels, got PNG of 10000 x 10000"):
        load_map(saved_map)


@pytest.mark.parametrize(
    "change", [{"columns": 0}, {"images": -1}, {"tile": [16, 10**9]}, {"tile": ["16", 16]}, {"columns": 10**9}]
)
def test_a_card_of_impossible_sizes_is_refused(change, saved_map):
    card = json.loads((saved_map / "map.json").read_text())
    (saved_map / "map.json").write_text(json.dumps(card | change))
    with pytest.raises(ValueError, match="map .*: expected"):
        load_map(saved_map)


def test_a_sheet_that_is_no_picture_is_refused(saved_map):
    (saved_map / "images.png").write_bytes(b"<svg/>")
    with pytest.raises(ValueError, match="got SVG"):
        load_map(saved_map)


@pytest.mark.parametrize(("count", "side"), [(12, 164), (3, 10_000), (50_000, 32), (300_000, 8), (10_000, 64)])
def test_a_grid_holds_any_count_and_size_on_sheets_that_can_be_read(count, side):
    grid = grid_of(count, side, side)
    counts = grid.counts(count)
    assert sum(counts) == count and max(counts) == counts[0]
    for n in counts:
        width, height = grid.columns * side, -(-n // grid.columns) * side
        assert max(width, height) <= 16_383 and width * height <= MAX_PIXELS
    assert (
        read_grid({"images": count, "columns": grid.columns, "per_sheet": grid.per_sheet, "tile": [side, side]}) == grid
    )


def test_more_than_a_map_can_hold_is_refused():
    with pytest.raises(ValueError, match="map: expected at most 1,296 pictures of 512 x 512 pixels, got 10,000"):
        grid_of(10_000, 512, 512)


def test_a_map_of_several_sheets_is_the_same_map(prototype_map, tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_SIDE", 100)  # six tiles of 16 pixels a row, 36 a sheet
    folder = save_map(prototype_map, tmp_path / "map")
    assert sorted(p.name for p in folder.glob("*.png")) == ["images-2.png", "images-3.png", "images.png"]
    found = load_map(folder)
    assert torch.equal(found.images, prototype_map.images) and len(found.sheets) == 3 and found.grid.per_sheet == 36
    (folder / "images-3.png").unlink()
    with pytest.raises(ValueError, match="^map "):
        load_map(folder)
