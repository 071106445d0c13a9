"""Files from strangers: whatever is in them, they are read or refused in one line, soon, and nothing of them is run.

PDM_HOSTILE=2000 makes so many of each kind instead of the usual 25.
"""

import json
import os
import pickle
import random
import shutil
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm.app.shown_set import ShownSet
from pdm.data.load import load
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import from_delta, to_delta
from pdm.experiments.bench import hostile_files
from pdm.experiments.bench.bench import Bench
from pdm.experiments.bench.hostile_files import (
    MOST,
    READERS,
    changed_copy,
    hostile_faults,
    in_time,
    read_large,
    whole_files,
)
from pdm.experiments.bench.mutations import WHOLE, changed_bytes, changed_json
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import load_pipeline
from pdm.results.shapes import KINDS
from pdm.retrieval.encoded import load_retrieval
from pdm.support.paths import ASSETS
from pdm.ui.guard.hosts import Hosts
from pdm.ui.shared.link import parsed
from tests.command_line import class_folders
from tests.made_up_results import ABLATION, BENCH, CURVES, EVALUATION, results_folder

EXAMPLES = int(os.environ.get("PDM_HOSTILE", "25"))
hostile = settings(max_examples=EXAMPLES, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def read_or_refused(read: Callable[[], object]) -> str | None:
    """What is said of a file that is refused; fails for any other error than a ValueError of one line."""
    with in_time(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read()
        except ValueError as error:
            text = str(error)
            assert text and "\n" not in text and "Traceback" not in text and len(text) < MOST, text
            return text
    return None


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """A function (whole folder, seed) that returns a copy of which one file was changed."""
    place = tmp_path_factory.mktemp("changed")

    def changed(folder: Path, seed: int) -> Path:
        return changed_copy(folder, place, seed)

    return changed


@pytest.fixture(scope="module")
def prototypes(bank) -> PrototypeSet:
    return PrototypeSet.of_bank(bank, "tiny", model_hash(bank))


@pytest.fixture(scope="module")
def whole(saved, prototype_map, pdm_pipeline, rdm_pipeline, tmp_path_factory) -> dict[str, Path]:
    """Folders with whole files, by kind."""
    made = tmp_path_factory.mktemp("results")
    results_folder(made, **dict.fromkeys(KINDS, EVALUATION) | {"bench": BENCH, "ablation": ABLATION, "curves": CURVES})
    place = tmp_path_factory.mktemp("whole")
    kinds = whole_files(place, saved, pdm_pipeline, rdm_pipeline, prototype_map, made)
    (kinds["pdm"] / CARD).write_text(json.dumps({"images_seen": 3, "config": {"method": "pdm"}}))
    return kinds


@pytest.mark.parametrize("kind", READERS)
def test_a_whole_file_is_read(kind, whole):
    assert read_or_refused(lambda: READERS[kind](whole[kind])) is None


@pytest.mark.parametrize("kind", READERS)
@hostile
@given(seed=seeds)
def test_a_changed_file_is_read_or_refused_in_a_line(kind, seed, whole, changing):
    folder = changing(whole[kind], seed)
    read_or_refused(lambda: READERS[kind](folder))


@hostile
@given(seed=seeds)
def test_a_changed_memory_for_training_is_read_or_refused_in_a_line(seed, whole, changing, images):
    folder = changing(whole["memory"], seed)
    read_or_refused(lambda: load_retrieval(folder, images))


@hostile
@given(seed=seeds)
def test_what_a_browser_kept_of_a_set_is_read_or_refused_in_a_line(seed, prototypes):
    draw = random.Random(seed)
    moved = replace(prototypes.prototypes[0], name="moved")
    other = PrototypeSet(
        prototypes.model,
        prototypes.model_hash,
        (moved, *prototypes.prototypes[2:]),
        prototypes.next_id,
        prototypes.spherical,
    )
    delta = to_delta(other, prototypes)
    read_or_refused(lambda: from_delta(changed_json(changed_json(delta, draw), draw), prototypes))


@hostile
@given(seed=seeds)
def test_a_changed_link_or_address_is_nothing_or_what_it_says(seed, studio, prototypes):
    draw = random.Random(seed)
    link = changed_bytes(b"model=tiny&seed=7&prototypes=3,1&weights=0.7,0.3", draw).decode(errors="replace")
    asked = parsed(ShownSet(studio, prototypes), dict(parse_qsl(link[:5000], max_num_fields=10_000)))
    assert set(asked.prototypes) <= set(range(8)) and all(0 <= w <= 1 for w in asked.weights)
    host = changed_bytes(b"localhost:7860", draw).decode("latin-1")
    hosts = Hosts(["localhost"])
    assert not hosts.serves(host) or host.strip().lower().startswith("localhost")
    hosts.serves_origin(host)


class Bomb:
    def __reduce__(self):
        return os.abort, ()


@pytest.mark.parametrize("raw", [*WHOLE, pickle.dumps(Bomb())], ids=lambda raw: f"{raw[:12]!r}")
@pytest.mark.parametrize("kind", READERS)
def test_another_file_in_the_place_of_any_is_refused_in_a_line(kind, raw, whole, tmp_path):
    copy = shutil.copytree(whole[kind], tmp_path / kind)
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        before = path.read_bytes()
        path.write_bytes(raw)
        read_or_refused(lambda: READERS[kind](copy))
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("denoiser", "layers_per_block", 100_000),
        ("denoiser", "block_out_channels", [32] * 5000),
        ("denoiser", "block_out_channels", [2**40]),
        ("denoiser", "chain_steps", 2**40),
        ("denoiser", "image_size", 2**40),
        ("denoiser", "sigma_data", 1e308),
        ("denoiser", "sigma_data", "0.5"),
        ("bank", "count", 90_000),
        ("bank", "dim", 65_000),
        ("bank", "tokens", 2**40),
        ("bank", "class_names", ["a"] * 20_000),
        ("scheduler", "num_train_timesteps", 2**40),
    ],
)
def test_sizes_are_refused_before_anything_is_made_of_them(part, field, value, whole, tmp_path):
    copy = shutil.copytree(whole["pdm"], tmp_path / "pdm")
    path = next(p for p in (copy / part).iterdir() if p.suffix == ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    said = read_or_refused(lambda: load_pipeline(copy, "pdm"))
    assert said is not None and f"{field}" in said and "expected" in said


def test_a_memory_larger_than_its_file_is_refused_before_it_is_made(whole, tmp_path):
    copy = shutil.copytree(whole["rdm"], tmp_path / "rdm")
    path = copy / "memory" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "entries": 2**31 - 1}))
    assert "entries and dim" in (read_or_refused(lambda: load_pipeline(copy, "rdm")) or "")


def test_a_pipe_among_the_pictures_is_refused_and_waited_for_by_nobody(tmp_path):
    folder = class_folders(tmp_path / "pictures")
    os.mkfifo(folder / "top" / "pipe.png")
    said = read_or_refused(lambda: load(str(folder), size=16))
    assert said is not None and "pipe.png: expected a regular file, got a pipe" in said


def test_arrays_of_objects_are_not_read(whole, tmp_path):
    copy = shutil.copytree(whole["large"], tmp_path / "large")
    np.save(copy / "embeddings-00000.npy", np.array([Bomb()] * 2, object), allow_pickle=True)
    assert read_or_refused(lambda: read_large(copy)) is not None


@pytest.mark.parametrize("name", ["neighbours.safetensors", "encoder/config.json", "memory/config.json", "card.json"])
def test_a_pipe_in_a_memory_is_waited_for_by_nobody(name, whole, images, tmp_path):
    copy = shutil.copytree(whole["memory"], tmp_path / "memory")
    (copy / name).unlink()
    os.mkfifo(copy / name)
    assert "pipe" in (read_or_refused(lambda: load_retrieval(copy, images)) or "")


def test_the_benchmark_counts_what_is_neither_read_nor_refused_in_a_line(whole, tmp_path, monkeypatch):
    def broken(error: BaseException):
        def read(folder: Path) -> None:
            raise error

        return read

    monkeypatch.setattr(hostile_files, "SECONDS", 0.2)
    readers = {
        "set": broken(TypeError("a set")),
        "recipe": broken(ValueError("two\nlines")),
        "votes": broken(ValueError("votes: expected a whole file, got half of one")),
        "map": lambda folder: time.sleep(5),
        "lossy": READERS["lossy"],
    }
    found = hostile_faults(whole, readers, len(readers), tmp_path)
    assert [said.partition(":")[0] for said in found] == ["set, seed 0", "recipe, seed 1", "map, seed 3"]
    assert "TypeError: a set" in found[0] and "not one line" in found[1] and "more than 0.2 s" in found[2]


def test_the_benchmark_reads_a_changed_file_of_each_kind():
    bench = Bench(ASSETS / "fashion-mnist", "fashion-mnist", torch.device("cpu"), quick=True)
    numbers, settings = hostile_files.files(bench)
    assert (
        numbers == {"hostile.files": len(settings["kinds"]), "hostile.files_tracebacks": 0} and not settings["faults"]
    )
