"""Room for images: in memory as long as that has it, then in a file that nobody else sees."""

from types import SimpleNamespace

import pytest
import torch

from pdm.data import room as rooms
from pdm.data.load import load
from pdm.data.room import room
from tests.command_line import class_folders


def test_what_memory_has_no_room_for_lies_in_a_file_that_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms.psutil, "virtual_memory", lambda: SimpleNamespace(available=4 * 3 * 8 * 8))
    one, two = room((1, 3, 8, 8), tmp_path / "none"), room((2, 3, 8, 8), tmp_path / "images")
    assert not (tmp_path / "none").exists() and one.is_contiguous()
    assert (tmp_path / "images").is_dir() and not list((tmp_path / "images").iterdir())
    two[1] = 7
    assert two.sum() == 7 * 3 * 8 * 8 and two.dtype == torch.uint8


def test_a_disk_without_room_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms.psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
    with pytest.raises(ValueError, match=r"images: expected room for 1000000000\.0 GB of images, got: "):
        room((10**9, 10**9), tmp_path / "images")
    assert not list((tmp_path / "images").iterdir())


def test_a_data_set_larger_than_memory_is_read_as_any_other(tmp_path, monkeypatch):
    class_folders(tmp_path / "shapes", 10)
    usual = load(str(tmp_path / "shapes"), size=16)
    monkeypatch.setattr(rooms, "FOLDER", tmp_path / "images")
    monkeypatch.setattr(rooms.psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
    mapped = load(str(tmp_path / "shapes"), size=16)
    assert (tmp_path / "images").is_dir() and mapped.hash() == usual.hash()
