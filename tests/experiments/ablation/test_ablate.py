"""The ablation trains and measures row by row, goes on where it stopped, and writes what it found."""

import json
from dataclasses import replace

import pytest
import torch

from pdm.config import PRESETS
from pdm.evaluation.drawing import Sampling
from pdm.evaluation.evaluate import evaluate
from pdm.evaluation.featurenet import save_feature_net
from pdm.evaluation.references import References
from pdm.experiments.ablation import ablate as module
from pdm.experiments.ablation.ablate import RESULTS, VERSION, Ablation, ablate
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.experiments.ablation.rows import ROWS
from tests.command_line import done, refused
from tests.tiny import DIM, banded, tiny_config, tiny_feature_net

pytestmark = pytest.mark.usefixtures("tiny_presets")


@pytest.fixture(scope="module")
def references(images) -> References:
    return References.of(tiny_feature_net(), images, banded(seed=1))


@pytest.fixture
def tiny(images, references, tmp_path):
    """An ablation of trainings of two steps, in the folder of that name."""

    def tiny(name: str = "ablation", **options) -> Ablation:
        sampling = Sampling(samples=20, steps=1, batch_size=10, sampler="dpm++2m")
        options = {"images": 16, "sampling": sampling, "command": "python -m pdm ablate --out x", **options}
        return Ablation(
            tmp_path / name,
            images,
            references,
            "tiny",
            device=torch.device("cpu"),
            per_prototype=1,
            quiet=True,
            **options,
        )

    return tiny


@pytest.fixture
def counted(monkeypatch):
    """The folders that training and evaluating were called for."""
    calls = {"train": [], "evaluate": []}
    train = module.train

    def counted_train(config, data, folder, **options):
        calls["train"].append(folder.name)
        return train(config, data, folder, **options)

    def counted_evaluate(pipeline, data, references, *arguments, **options):
        calls["evaluate"] += [out.name for out in references]
        return evaluate(pipeline, data, references, *arguments, **options)

    monkeypatch.setattr(module, "train", counted_train)
    monkeypatch.setattr(module, "evaluate", counted_evaluate)
    return calls


def test_rows_share_trainings_and_the_file_says_what_was_measured_how(tiny, counted, tmp_path):
    results, left = ablate(tiny(), ["pdm", "rdm-k8", "pdm-uniform"])
    assert left == [] and counted["train"] == ["pdm-seed0", "pdm-seed1", "rdm-k8-seed0"]
    assert json.loads((tmp_path / "ablation" / RESULTS).read_text()) == results
    assert results["version"] == VERSION and list(results["rows"]) == ["pdm", "rdm-k8", "pdm-uniform"]
    assert results["settings"]["net"] == "tiny" and results["settings"]["optimiser"]["images"] == 16
    default, other = results["rows"]["pdm"], results["rows"]["rdm-k8"]
    assert (len(default["seeds"]), len(other["seeds"])) == (2, 1)
    first, second = default["seeds"]
    assert default["numbers"]["frechet"] == pytest.approx((first["frechet"] + second["frechet"]) / 2)
    assert default["noise_floor"]["frechet"] == abs(first["frechet"] - second["frechet"]) > 0
    assert results["noise_floor"] == default["noise_floor"] and other["noise_floor"] is None
    assert {"precision", "coverage", "memorised_share", "fidelity_top1", "nmi"} <= set(default["numbers"])
    assert "fidelity_top1" not in other["numbers"] and not any(default["differs"].values())
    floor, distance = default["noise_floor"], other["numbers"]["frechet"] - default["numbers"]["frechet"]
    assert other["differs"]["frechet"] == (abs(distance) > floor["frechet"])
    assert other["run"] == {"name": "rdm-k8", "preset": "rdm", "neighbours": 8}
    assert results["rows"]["pdm-uniform"]["drawn"] == {"frequencies": "uniform"}
    assert other["command"] == "python -m pdm ablate --out x --only rdm-k8" and other["images_seen"] == 16
    evaluation = json.loads((tmp_path / "ablation" / "rows" / "pdm-seed1" / "evaluation.json").read_text())
    assert evaluation["sampling"]["seed"] == 20 and evaluation["quality"]["pdm"]["frechet"] == second["frechet"]


def test_every_kind_of_row_is_trained_and_drawn(tiny, monkeypatch):
    config = tiny_config()
    for name in ("unconditional", "s-pdm", "paper"):
        full = PRESETS[name]
        prototypes = replace(full.prototypes, dim=DIM, warmup_steps=0, count=8)
        monkeypatch.setitem(PRESETS, name, replace(full, prototypes=prototypes, precision=config.precision))
    rows = ["unconditional", "paper-redrawn", "paper-kept", "s-pdm", "pdm-rare", "pdm-guidance-interval"]
    sampling = Sampling(samples=20, steps=2, batch_size=10, sampler="dpm++2m")
    results, left = ablate(tiny(sampling=sampling), rows)
    assert left == [] and list(results["rows"]) == rows
    numbers = {name: entry["numbers"]["frechet"] for name, entry in results["rows"].items()}
    assert len(set(numbers.values())) == 6 and all(value > 0 for value in numbers.values())
    assert "differs" not in results["rows"]["paper-kept"]  # the default was not measured


def test_an_ablation_that_ran_out_of_time_goes_on_and_ends_as_an_unbroken_one(tiny, counted, tmp_path):
    rows = ["rdm-k1", "pdm-K32"]
    unbroken, _ = ablate(tiny("unbroken"), rows)
    before, left = ablate(tiny(), rows, max_minutes=1e-9)
    assert left == rows and before["rows"] == {} and not (tmp_path / "ablation" / RESULTS).exists()
    counted["train"].clear()
    ablate(tiny(), rows[:1])
    results, left = ablate(tiny(), rows)
    assert left == [] and counted["train"] == ["rdm-k1-seed0", "pdm-K32-seed0"]
    assert [row["numbers"] for row in results["rows"].values()] == [row["numbers"] for row in unbroken["rows"].values()]


def test_the_time_that_is_up_stops_within_a_training_that_then_goes_on(tiny, counted, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module, "agreed", lambda minutes: 1e-9)
        _, left = ablate(tiny(), ["rdm-k1"], max_minutes=5)
    assert left == ["rdm-k1"] and counted == {"train": ["rdm-k1-seed0"], "evaluate": []}
    results, left = ablate(tiny(), ["rdm-k1"])
    assert left == [] and results["rows"]["rdm-k1"]["images_seen"] == 16


def test_a_row_that_is_added_on_a_device_of_another_precision_says_so(tiny, monkeypatch):
    first, _ = ablate(tiny(), ["rdm-k1"])
    assert first["rows"]["rdm-k1"]["precision"] == first["settings"]["precision"]
    other = {"bfloat16": "float32"}.get(first["settings"]["precision"], "bfloat16")
    monkeypatch.setattr(Ablation, "precision", other)
    results, _ = ablate(tiny(), ["rdm-k8"])
    said = f"Learned and painted in {other}, the others in {first['settings']['precision']}: rdm-k8."
    assert said in ablation_table(results).notes and said not in ablation_table(first).notes
    assert results["rows"]["rdm-k1"] == first["rows"]["rdm-k1"]


def test_other_settings_and_an_older_file_are_refused_and_kept(tiny, tmp_path):
    ablate(tiny(), ["rdm-k1"])
    path = tmp_path / "ablation" / RESULTS
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"expected an ablation of these settings, got one of others \(optimiser\)"):
        ablate(tiny(images=24), ["rdm-k1"])
    assert path.read_bytes() == before
    path.write_text('{"rows": {}}')
    with pytest.raises(ValueError, match="expected results of version 1, got one of before there were versions"):
        ablate(tiny(), ["rdm-k1"])
    path.unlink()
    with pytest.raises(ValueError, match="expected a run of this configuration, got one of other settings"):
        ablate(tiny(images=24), ["rdm-k1"])


def test_the_command_writes_the_file_and_prints_the_table(pictures, tmp_path, capfd):
    save_feature_net(tiny_feature_net(), tmp_path / "net", {})
    options = (
        "--data",
        pictures,
        "--size",
        16,
        "--images",
        16,
        "--samples",
        20,
        "--steps",
        1,
        "--device",
        "cpu",
        "--classifier",
        tmp_path / "net",
        "--cache",
        tmp_path / "cache",
        "--out",
        tmp_path / "out",
    )
    message = refused(capfd, "ablate", *options[:6], "--samples", 5, *options[8:])
    assert message.startswith("samples: expected at least 20") and not (tmp_path / "out").exists()
    assert "--only: expected some of" in refused(capfd, "ablate", *options, "--only", "gan")
    line = done(capfd, "ablate", *options, "--only", "rdm-k1", "--max-minutes", 1e-9)
    assert line == "stopped after --max-minutes; run the same command again to go on with rdm-k1"
    line = done(capfd, "ablate", *options, "--only", "rdm-k1")
    assert line == f"wrote rdm-k1 to {tmp_path / 'out' / RESULTS}"
    results = json.loads((tmp_path / "out" / RESULTS).read_text())
    assert list(results["rows"]) == ["rdm-k1"] and results["rows"]["rdm-k1"]["what"] == ROWS["rdm-k1"].what
    assert results["command"].startswith("python -m pdm ablate --out") and "--only" not in results["command"]
