"""Pictures one by one are the pictures of `load`, from any row on, and are decoded no earlier than asked for."""

import datasets
import pytest
import torch
from PIL import Image

from pdm.data import stream
from pdm.data.images import to_pil
from pdm.data.load import load
from pdm.data.stream import batches, pictures
from tests.command_line import class_folders
from tests.data.test_hub_layout import write_parquet
from tests.tiny import banded


@pytest.fixture
def sources(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    drawn = [to_pil(image) for image in banded(per_class=5).images]
    parquet = write_parquet(tmp_path / "parquet", {"image": drawn}, {"image": datasets.Image()})
    return class_folders(tmp_path / "folders"), parquet


@pytest.mark.parametrize("start", [0, 7, 20])
def test_they_are_the_pictures_of_load_in_its_order_from_any_row_on(sources, start):
    for source in map(str, sources):
        parts = list(batches(pictures(source, start), 16, 1, 6))
        expected = load(source, size=16).images[start:]
        assert torch.equal(torch.cat(parts) if parts else expected[:0], expected)
        assert all(len(part) == 6 for part in parts[:-1])


def test_a_file_is_opened_only_when_its_picture_is_asked_for(sources, monkeypatch):
    opened, open_picture = [], stream.open_picture
    monkeypatch.setattr(stream, "open_picture", lambda *asked: opened.append(asked) or open_picture(*asked))
    next(batches(pictures(str(sources[0]), 3), 16, 1, 4))
    assert len(opened) == 4


def test_grey_pictures_become_colour_for_an_encoder_of_colour(sources):
    (part,) = batches(pictures(str(sources[0])), 16, 3, 100)
    assert part.shape == (len(load(str(sources[0]))), 3, 16, 16) and torch.equal(part[:, 0], part[:, 2])


def test_what_is_wrong_with_a_source_is_one_line(tmp_path, sources):
    (next(sources[0].rglob("*.png"))).write_text("no picture")
    text = write_parquet(tmp_path / "text", {"text": ["x", "y"]}, {"text": datasets.Value("string")})
    cases = [
        (tmp_path / "nowhere", "data set '.*nowhere'.* expected a hub id that can be reached"),
        ("someone/no-such-data", "expected a hub id"),
        (text, "expected a column of images"),
        (sources[0], "expected an image, got"),
    ]
    for source, said in cases:
        with pytest.raises(ValueError, match=said) as error:
            list(pictures(str(source)))
        assert "\n" not in str(error.value)


def test_a_broken_picture_inside_a_table_is_one_line(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "good.png")
    rows = [{"bytes": (tmp_path / "good.png").read_bytes(), "path": None}, {"bytes": b"no picture", "path": None}]
    source = write_parquet(tmp_path / "broken", {"image": rows}, {"image": datasets.Image()})
    with pytest.raises(ValueError, match="expected images of a hub id"):
        list(pictures(str(source)))
