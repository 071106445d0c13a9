"""A kill at any rename or removal tears nothing, loses nothing, and leaves nothing for ever."""

import os
import time

import pytest
import torch

from pdm.map.projection import PrototypeMap, load_map, save_map
from pdm.model.encoders import StaticEncoder
from pdm.retrieval.encoded import Retrieval, load_retrieval, save_retrieval
from pdm.retrieval.memory import Memory
from pdm.support.files import atomic_file, atomic_folder
from pdm.support.leftovers import is_free, locked, own_folder, recover, sweep, sweep_parts_of_files
from pdm.training.train import PIPELINE, Trainer
from tests.kills import each_kill
from tests.tiny import banded, tiny_config


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def write(folder, version: str) -> None:
    with atomic_folder(folder) as part:
        (part / "a").write_text(version)
        (part / "deep").mkdir()
        (part / "deep" / "b").write_text(version)


def versions(folder) -> set[str]:
    return {path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_was_there_is_there_whole_after_each_kill_and_nothing_beside_it(tmp_path):
    folder, number = tmp_path / "state", 0
    write(folder, "first")
    for number in each_kill(lambda: write(folder, "new")):
        recover(folder)
        assert names(tmp_path) == ["state"] and len(versions(folder)) == 1, number
        assert names(folder) == ["a", "deep"] and names(folder / "deep") == ["b"]
    assert number > 5 and versions(folder) == {"new"}


def test_the_next_writing_mends_what_a_kill_left(tmp_path):
    folder = tmp_path / "state"
    for number in each_kill(lambda: write(folder, "new")):
        write(folder, "next")
        assert names(tmp_path) == ["state"] and versions(folder) == {"next"}, number


def test_what_version_0_2_left_aside_is_brought_back_the_newest_of_it(tmp_path):
    for age, name in ((2, ".state.aaaaaaaa.old"), (1, ".state.bbbbbbbb.old"), (3, ".state.cccccccc.old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(str(age))
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    recover(tmp_path / "state")
    assert names(tmp_path) == ["state"] and versions(tmp_path / "state") == {"1"}


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    with own_folder(tmp_path, ".state.") as part:
        write(tmp_path / "state", "mine")
        sweep(tmp_path, ".state.")
        assert part.is_dir()
    assert names(tmp_path) == ["state"]


def test_folders_of_others_and_links_are_no_leftovers(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "kept").write_text("")
    (tmp_path / ".state.aaaaaaaa").symlink_to(tmp_path / "real")
    (tmp_path / ".state.longer-than-that").mkdir()
    before = names(tmp_path)
    recover(tmp_path / "state")
    sweep(tmp_path, ".state.")
    assert names(tmp_path) == before and names(tmp_path / "real") == ["kept"]


def test_a_lock_is_waited_for_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("pdm.support.leftovers.PATIENCE", 0.02)
    with locked(tmp_path) as first, locked(tmp_path) as second:
        assert (first, second) == (True, False)
    with locked(tmp_path / "none") as third:
        assert not third


def test_parts_of_files_go_once_nobody_can_be_writing_them(tmp_path):
    old, new, other = ".card.json.0123abcd.json", ".card.json.89abcdef.json", ".backup.20240101"
    for name in (old, new, other):
        (tmp_path / name).write_text("")
    for name in (old, other):
        os.utime(tmp_path / name, (time.time() - 4000,) * 2)
    sweep_parts_of_files(tmp_path)
    assert names(tmp_path) == sorted([new, other])


def test_a_file_is_the_old_one_or_the_new_one_after_each_kill(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("first")

    def run() -> None:
        with atomic_file(path) as part:
            part.write_text("new")

    for _ in each_kill(run):
        assert path.read_text() in ("first", "new")
        for part in tmp_path.glob(".*"):
            os.utime(part, (0, 0))
        sweep_parts_of_files(tmp_path)
        assert names(tmp_path) == ["card.json"]


def test_a_map_survives_each_kill(tmp_path):
    data = banded(4)
    shown = PrototypeMap("d", data.class_names, torch.rand(16, 2), torch.rand(16, 3), data.labels, data.images)
    folder = save_map(shown, tmp_path / "map")
    for _ in each_kill(lambda: save_map(shown, folder)):
        assert len(load_map(folder)) == 16 and names(tmp_path) == ["map"]


def test_a_memory_survives_each_kill(tmp_path):
    data, rows = banded(2), torch.randn(8, 4)
    made = Retrieval(Memory.build(rows, torch.arange(8)), torch.zeros(8, 2, dtype=torch.long), StaticEncoder(1, 4, 8))
    folder = save_retrieval(made, tmp_path / "memory", data)
    for _ in each_kill(lambda: save_retrieval(made, folder, data)):
        assert len(load_retrieval(folder, data).memory) == 8 and names(tmp_path) == ["memory"]


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    made = Trainer(tiny_config(), banded(), tmp_path_factory.mktemp("run"), cpu=True)
    made.prepare_source()
    made.save()
    made.export(made.folder / PIPELINE)
    return made


def test_a_checkpoint_and_a_pipeline_survive_each_kill(trainer):
    def run() -> None:
        trainer.save()
        trainer.export(trainer.folder / PIPELINE)

    for _ in each_kill(run, ("rename", "replace", "rmdir")):
        assert trainer.resume() and {"state", PIPELINE} <= set(names(trainer.folder))
        left = [name for name in names(trainer.folder) if name.startswith(".") and not name.endswith(".json")]
        assert not left and (trainer.folder / PIPELINE / "model_index.json").is_file()


def test_what_a_kill_left_of_a_file_does_not_make_a_folder_used(tmp_path):
    assert is_free(tmp_path / "new") and is_free(tmp_path)
    (tmp_path / ".settings.json.01234567.json").write_text("{")
    assert is_free(tmp_path)
    (tmp_path / "work").mkdir()
    assert (
        is_free(tmp_path, "work") and not is_free(tmp_path) and not is_free(tmp_path / ".settings.json.01234567.json")
    )
