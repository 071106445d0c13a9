"""A map's sheet is decoded only when its header says the size that the map's card does."""

import json
import shutil

import pytest

from pdm.map.projection import load_map, save_map


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
