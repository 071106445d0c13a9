"""Files and folders are whole or not there."""

import json
import os
from unittest.mock import patch

import pytest

from pdm.support.files import atomic_file, atomic_folder, write_json


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    path = tmp_path / "deep" / "card.json"
    with atomic_file(path) as part:
        part.write_text("new")
        assert part.suffix == ".json" and not path.exists()
    assert path.read_text() == "new" and names(path.parent) == ["card.json"]


def test_an_error_while_writing_a_file_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"), atomic_file(path) as part:
        part.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old" and names(tmp_path) == ["card.json"]


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path):
    folder = tmp_path / "model"
    for version in ("one", "two"):
        with atomic_folder(folder) as part:
            (part / version).write_text(version)
            assert not (folder / version).exists()
    assert names(folder) == ["two"] and names(tmp_path) == ["model"]
    assert folder.stat().st_mode & 0o777 == 0o755  # not the private mode of a temporary folder


def test_an_error_while_writing_a_folder_leaves_the_old_one_and_nothing_else(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_folder(folder) as part:
        (part / "weights").write_text("half")
        raise KeyboardInterrupt
    assert (folder / "weights").read_text() == "old" and names(tmp_path) == ["model"]


def test_a_folder_that_cannot_be_renamed_into_place_brings_the_old_one_back(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    rename = type(folder).rename

    def fail_for_the_new_one(self, target):
        if target == folder and not self.name.endswith(".old"):
            raise OSError("cross-device link")
        return rename(self, target)

    monkeypatch.setattr(type(folder), "rename", fail_for_the_new_one)
    with pytest.raises(OSError, match="cross-device"), atomic_folder(folder) as part:
        (part / "weights").write_text("new")
    assert (folder / "weights").read_text() == "old" and names(tmp_path) == ["model"]


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "card.json"
    write_json(path, {"seed": 1, "losses": [[8, 0.5]]})
    assert json.loads(path.read_text()) == {"seed": 1, "losses": [[8, 0.5]]}
    with pytest.raises(TypeError):
        write_json(path, {"seed": object()})
    assert json.loads(path.read_text())["seed"] == 1 and names(tmp_path) == ["card.json"]


def test_what_a_kill_left_of_any_file_goes_with_the_first_that_a_process_writes_there(tmp_path):
    left = [tmp_path / name for name in (".one.png.0123abcd.png", ".README.md.0123abcd.md")]
    for path in left:
        path.write_text("half")
        os.utime(path, (0, 0))
    with atomic_file(tmp_path / "two.png") as part:
        part.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["two.png"]
    left[0].write_text("half")
    os.utime(left[0], (0, 0))
    with patch("pdm.support.files.sweep_parts_of_files", side_effect=AssertionError("looked again")):
        with atomic_file(tmp_path / "three.png") as part:
            part.write_text("whole")
