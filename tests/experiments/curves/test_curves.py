"""Curves: every row is measured once, a killed run goes on, and rows of two kinds never stand in one curve."""

import json
import shutil

import numpy as np
import pytest
import torch

from pdm.evaluation.drawing import Sampling, Variant, draw
from pdm.evaluation.featurenet import save_feature_net
from pdm.experiments.bench.bench import Bench
from pdm.experiments.curves import lookup as curves_lookup
from pdm.experiments.curves.curve import Curve, Lab
from pdm.experiments.curves.frechet import frechet_by_steps, network_calls
from pdm.experiments.curves.lookup_worker import First, measure, peak_rss
from pdm.experiments.curves.run import CURVES, chosen_curves, run
from pdm.metrics.frechet import frechet_distance
from pdm.retrieval.faiss_index import expected_bytes
from pdm.retrieval.large_memory import LargeMemory
from pdm.sampling.solvers import make_scheduler
from tests.command_line import class_folders, done, refused
from tests.retrieval.test_index import clustered
from tests.tiny import GaussianDenoiser, random_condition, seeds, tiny_feature_net


@pytest.fixture(scope="module")
def assets(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(saved, folder)
    save_feature_net(tiny_feature_net(), folder / "classifier", {})
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("data")
    for split in ("train", "test"):
        class_folders(folder / split)
    return str(folder)


@pytest.fixture
def lab(assets, source, tmp_path) -> Lab:
    return Lab(Bench(assets, source, torch.device("cpu"), quick=True), 40, 3, tmp_path / ".lookup")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "curves.json"


def read(path) -> dict:
    return json.loads(path.read_text())


def test_the_command_measures_times_and_distances_and_then_keeps_them(assets, source, path, capfd):
    command = (
        "curves",
        "--json",
        path,
        "--model",
        assets,
        "--data",
        source,
        "--device",
        "cpu",
        "--quick",
        "--only",
        "time_by_batch,time_by_steps,frechet_by_steps",
    )
    assert done(capfd, *command) == f"wrote time_by_batch, time_by_steps, frechet_by_steps to {path}"
    first = read(path)
    assert first["version"] == 1 and first["machine"]["device"] == "cpu"
    batch, steps, frechet = (first["curves"][name] for name in list(CURVES)[:3])
    assert [row["batch"] for row in batch["rows"]] == [1, 2] and [row["steps"] for row in steps["rows"]] == [2, 4]
    assert all(row["seconds"] > 0 and row["spread"] >= 0 for row in batch["rows"] + steps["rows"])
    assert batch["settings"]["steps"] == 1 and steps["settings"]["batch"] == 2 and batch["settings"]["quick"] is True
    assert [(r["sampler"], r["steps"]) for r in frechet["rows"]][:3] == [("dpm++2m", 2), ("dpm++2m", 4), ("dpm++3m", 2)]
    assert len(frechet["rows"]) == 12 and all(row["frechet"] > 0 for row in frechet["rows"])
    settings = frechet["settings"]
    assert (settings["samples"], settings["feature_net"], settings["seed"]) == (40, "tiny-classifier", 0)
    assert settings["reference"] == {"split": "train", "images": 20} and frechet["command"].startswith("python -m pdm")
    before = path.read_bytes()
    done(capfd, *command)
    assert path.read_bytes() == before
    command = (*command[:-1], "frechet_by_steps", "--seed", 1)
    assert "expected frechet_by_steps of these settings, got it of others (seed)" in refused(capfd, *command)


def test_a_distance_is_that_of_the_samples_its_row_names(lab, pdm_pipeline):
    curve = frechet_by_steps(lab)
    found = curve.measure({"sampler": "euler", "steps": 3})
    net = tiny_feature_net()
    drawn = draw(lab.bench.pdm, Sampling(40, 3, seed=3, sampler="euler"), Variant("pdm"), quiet=True)
    expected = frechet_distance(net.features(drawn), net.features(lab.bench.train.images))
    assert found == {"calls": 3, "frechet": pytest.approx(expected, rel=1e-3)}


@pytest.mark.parametrize("sampler, calls", [("dpm++2m", 4), ("heun", 7), ("ddim", 4)])
def test_calls_are_those_of_the_network(sampler, calls):
    from pdm.sampling.solvers import denoise

    denoiser = GaussianDenoiser()
    list(
        denoise(
            denoiser,
            make_scheduler(sampler),
            torch.randn(1, 1, 4, 4),
            random_condition(1),
            steps=4,
            generators=seeds(0),
        )
    )
    assert len(denoiser.asked) == network_calls(sampler, 4) == calls
    assert network_calls("student", 2) == 2


def fake(settings: dict, stops_at: int = 99):
    """A curve of five rows that counts what it measures, and stops as by Ctrl-C before one of them."""
    asked, ended = [], []

    def measure(point):
        if point["n"] == stops_at:
            raise KeyboardInterrupt
        asked.append(point["n"])
        return {"value": point["n"] ** 2}

    points = [{"n": n} for n in range(5)]
    made = Curve(settings, points, measure, lambda rows: {"most": len(rows)}, lambda: ended.append(True))
    return made, asked, ended


def test_a_killed_run_keeps_its_rows_and_goes_on_with_the_missing_ones(lab, path, monkeypatch):
    killed, asked, ended = fake({"a": 1}, stops_at=3)
    monkeypatch.setitem(CURVES, "lookup", lambda lab: killed)
    with pytest.raises(KeyboardInterrupt):
        run(path, ["lookup"], lab, "the command")
    assert asked == [0, 1, 2] and len(read(path)["curves"]["lookup"]["rows"]) == 3 and not ended
    whole, asked, ended = fake({"a": 1})
    monkeypatch.setitem(CURVES, "lookup", lambda lab: whole)
    run(path, ["lookup"], lab, "another command")
    entry = read(path)["curves"]["lookup"]
    assert asked == [3, 4] and ended and entry["command"] == "the command"
    assert entry["rows"] == [{"n": n, "value": n**2} for n in range(5)] and entry["settings"]["most"] == 5


def test_a_curve_of_other_settings_or_another_machine_is_refused_and_kept(lab, path, monkeypatch):
    for settings in ({"a": 1}, {"a": 2}):
        monkeypatch.setitem(CURVES, "lookup", lambda lab, settings=settings: fake(settings)[0])
        if settings == {"a": 1}:
            run(path, ["lookup"], lab, "")
            before = path.read_bytes()
    with pytest.raises(ValueError, match=r"expected lookup of these settings, got it of others \(a\); choose another"):
        run(path, ["lookup"], lab, "")
    monkeypatch.setitem(CURVES, "lookup", lambda lab: fake({"a": 1})[0])
    monkeypatch.setattr("pdm.experiments.curves.run.machine", lambda bench: {"cpu": "another"})
    with pytest.raises(ValueError, match=r"got it of others \(machine\)"):
        run(path, ["lookup"], lab, "")
    assert path.read_bytes() == before


def test_a_file_of_something_else_and_an_unknown_curve_are_refused(lab, path):
    path.write_text("[]")
    with pytest.raises(ValueError, match="expected results as JSON"):
        run(path, [], lab, "")
    with pytest.raises(ValueError, match="^--only: expected some of time_by_batch, .*, got 'time'"):
        chosen_curves("time_by_batch,time")
    assert chosen_curves(None) == list(CURVES)


def test_the_cost_of_a_lookup_is_measured_for_every_index_and_counted_on_paper(lab, path, monkeypatch):
    monkeypatch.setattr(curves_lookup, "_in_a_process", lambda folder, **point: measure(folder, **point))
    run(path, ["lookup"], lab, "")
    entry = read(path)["curves"]["lookup"]
    rows = {(row["what"], row["entries"]): row for row in entry["rows"]}
    sizes = [(name, n) for n in (300, 600) for name in ("exact", "hnsw", "ivf", "qdrant")]
    assert list(rows) == [("prototypes", 8), *sizes, *((name, 10_000_000) for name in ("exact", "hnsw", "ivf"))]
    for name, n in sizes:
        row = rows[name, n]
        assert row["measured"] and row["ms"] > 0 and row["recall"] >= (0.8 if name == "ivf" else 0.95)
        assert row["ram_bytes"] >= n * 16 * 4 and row["peak_rss_bytes"] > 1e7
        assert (row["disk_bytes"] > n * 16 * 2) == (name in ("hnsw", "ivf"))
    paper = rows["hnsw", 10_000_000]
    assert not paper["measured"] and paper["ms"] is None and paper["ram_bytes"] == expected_bytes("hnsw", 10**7, 16)
    assert rows["prototypes", 8]["ram_bytes"] == lab.bench.pdm.bank.bytes_kept and rows["prototypes", 8]["ms"] > 0
    assert entry["settings"]["peak_rss_bytes"] == max(row.get("peak_rss_bytes", 0) for row in entry["rows"])
    assert not lab.scratch.exists()


def test_the_memory_of_views_is_made_once_and_goes_on_after_a_kill(lab, monkeypatch):
    from pdm.retrieval import build as memory_build
    from pdm.retrieval import large_memory

    for module in (large_memory, memory_build, curves_lookup):
        monkeypatch.setattr(module, "ROWS", 32)
    settings = {"queries": 5}
    curves_lookup._make_memory(lab, lab.scratch / "unbroken", 100, settings)
    whole = LargeMemory(lab.scratch / "unbroken")
    assert len(whole) == 100 and len(np.unique(whole.rows(0, 100).round(3), axis=0)) == 100

    def stops(folder, kind, number, rows, write=memory_build.write_rows):
        if number == 2:
            raise KeyboardInterrupt
        write(folder, kind, number, rows)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(memory_build, "write_rows", stops)
        curves_lookup._make_memory(lab, lab.scratch / "killed", 100, settings)
    curves_lookup._make_memory(lab, lab.scratch / "killed", 100, settings)
    assert LargeMemory(lab.scratch / "killed").digest() == whole.digest()


@pytest.mark.slow
def test_a_row_is_measured_by_a_process_of_its_own_and_its_failure_is_a_line(tmp_path):
    from pdm.retrieval.build import build, check_settings

    check_settings(tmp_path / "m", {})
    vectors = clustered(90)
    build(
        tmp_path / "m",
        {"encoder": ""},
        lambda start: iter([vectors]),
        limit=90,
        neighbours=0,
        index="exact",
        report=lambda *told: None,
    )
    np.save(tmp_path / "m" / "queries.npy", First(LargeMemory(tmp_path / "m"), 90).rows(5, 15))
    row = curves_lookup._in_a_process(tmp_path / "m", "exact", 80)
    assert row["recall"] == 1 and row["ram_bytes"] == 80 * 12 * 4 and 1e7 < row["peak_rss_bytes"] < 2e9
    assert peak_rss() != row["peak_rss_bytes"]
    with pytest.raises(ValueError, match=r"^lookup, exact of 80: expected a row, got: .*nowhere"):
        curves_lookup._in_a_process(tmp_path / "nowhere", "exact", 80)
