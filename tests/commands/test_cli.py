"""The command line: one story from training to evaluation, help, and wrong arguments in one line with exit code 2."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pdm.cli import build_parser, main
from pdm.commands import sample
from pdm.commands.training import train_config
from pdm.config import PRESETS
from pdm.map.projection import load_map
from pdm.pipelines.recipe import read_recipe
from tests.command_line import call, done, refused

COMMANDS = (
    "new",
    "adapt",
    "train",
    "tune",
    "data",
    "memory",
    "map",
    "evaluate",
    "ablate",
    "bench",
    "curves",
    "report",
    "sample",
)
pytestmark = pytest.mark.usefixtures("tiny_presets")


# The whole path


def test_a_model_is_trained_resumed_sampled_mapped_and_measured_by_commands_alone(
    pictures, tmp_path, capfd, quick_umap, monkeypatch
):
    run, out = tmp_path / "run", tmp_path / "out"
    training = ("train", "--data", pictures, "--size", 16, "--out", run, "--device", "cpu")
    for _ in range(2):  # of the three steps of the prototypes alone
        stopped = done(capfd, *training, "--max-minutes", 1e-9)
        assert stopped.startswith("stopped while the prototypes learn") and not (run / "pipeline").exists()
    assert done(capfd, *training, "--max-minutes", 1e-9).endswith(f"its training card and samples.png to {run}")
    assert json.loads((run / "training_card.json").read_text())["images_seen"] == 8
    line = done(capfd, *training)
    assert line == f"wrote the pipeline to {run / 'pipeline'}, its training card and samples.png to {run}"
    card = json.loads((run / "training_card.json").read_text())
    assert (card["images_seen"], card["data_set"], card["preset"]) == (48, "pictures", "pdm")

    model = run / "pipeline"
    sampling = ("--steps", 2, "--device", "cpu")
    line = done(
        capfd,
        "sample",
        "--model",
        model,
        "--prototypes",
        "3,5",
        "--weights",
        ".75,.25",
        "--count",
        3,
        "--seed",
        7,
        *sampling,
        "--out",
        out,
    )
    assert line == f"wrote 3 pictures, grid.png and recipe.json to {out}"
    recipes = [read_recipe(out / f"{i:04d}.png") for i in range(3)]
    assert [r.to_dict() for r in recipes] == json.loads((out / "recipe.json").read_text())
    assert [r.seed for r in recipes] == [7, 8, 9] and recipes[0].prototypes == (3, 5)
    with Image.open(out / "grid.png") as grid:
        assert grid.size == (32, 32)
    done(
        capfd,
        "sample",
        "--model",
        model,
        "--prototypes",
        "3,5",
        "--weights",
        "3,1",
        "--count",
        1,
        "--seed",
        9,
        *sampling,
        "--out",
        tmp_path / "again",
    )
    together, alone = (np.asarray(Image.open(p)).astype(int) for p in (out / "0002.png", tmp_path / "again/0000.png"))
    assert abs(together - alone).max() <= 3  # bfloat16 rounds otherwise in another batch

    line = done(capfd, "map", "--model", model, "--data", pictures, "--count", 15, "--out", tmp_path / "map")
    assert line == f"wrote a map of 15 images to {tmp_path / 'map'}" and len(load_map(tmp_path / "map")) == 15

    memory = tmp_path / "memory"
    line = done(
        capfd, "memory", "--data", pictures, "--size", 16, "--encoder-steps", 2, "--entries", 12, "--out", memory
    )
    assert line.startswith("wrote a memory of 12 images") and line.endswith(f"train --memory {memory}")
    line = done(
        capfd,
        "train",
        "--preset",
        "rdm",
        "--memory",
        memory,
        "--data",
        pictures,
        "--size",
        16,
        "--images",
        16,
        "--out",
        tmp_path / "rdm",
        "--device",
        "cpu",
    )
    assert line.startswith(f"wrote the pipeline to {tmp_path / 'rdm' / 'pipeline'}")

    for method, model in (("pdm", run / "pipeline"), ("rdm", tmp_path / "rdm" / "pipeline")):
        folder = tmp_path / f"evaluation-{method}"
        line = done(
            capfd,
            "evaluate",
            "--model",
            model,
            "--method",
            method,
            "--data",
            pictures,
            "--samples",
            130,
            *sampling,
            "--cache",
            tmp_path / "cache",
            "--out",
            folder,
        )
        assert line == f"wrote evaluation.json and features.parquet to {folder}"
        result = json.loads((folder / "evaluation.json").read_text())
        assert result["feature_net"] == "pictures-classifier" and result["sampling"]["samples"] == 130
        assert "unconditional" in result["quality"] and len(result["quality"]) == (2 if method == "pdm" else 3)
        assert all(v["frechet"] > 0 for v in result["quality"].values())
        assert ("fidelity" in result) == ("prototypes" in result) == (method == "pdm")
    done(capfd, "pack", "--model", run / "pipeline", "--guidance", 1.25, "--out", tmp_path / "own")
    done(
        capfd,
        "evaluate",
        "--model",
        tmp_path / "own",
        "--guidance",
        "own",
        "--queries-of",
        tmp_path / "rdm" / "pipeline",
        "--samples",
        130,
        "--data",
        pictures,
        *sampling,
        "--cache",
        tmp_path / "cache",
        "--out",
        tmp_path / "queries",
    )
    result = json.loads((tmp_path / "queries" / "evaluation.json").read_text())
    assert {*result["quality"]} == {"pdm, queries of rdm top_m 0.01"} and "fidelity" not in result
    assert result["sampling"]["guidance"] == 1.25


def test_a_picture_is_made_from_the_prototypes_of_an_image_and_again_without_it(saved, pictures, tmp_path, capfd):
    image, options = next(pictures.rglob("*.png")), ("--steps", 2, "--device", "cpu", "--count", 1)
    done(capfd, "sample", "--model", saved, "--image", image, *options, "--out", tmp_path / "a")
    recipe = read_recipe(tmp_path / "a" / "0000.png")
    assert len(recipe.prototypes) == 8 and sum(recipe.weights) == pytest.approx(1)
    assert recipe.query.startswith(f"{image.name} sha256:")
    ids, weights = (",".join(map(str, v)) for v in (recipe.prototypes, recipe.weights))
    mix = ("--prototypes", ids, "--weights", weights)
    done(capfd, "sample", "--model", saved, *mix, *options, "--out", tmp_path / "b")
    first, again = (np.asarray(Image.open(tmp_path / name / "0000.png")) for name in "ab")
    assert np.array_equal(first, again)


# What else ends a command


def test_control_c_ends_with_130_and_one_line(monkeypatch, capfd, tmp_path):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(sample, "sample", interrupt)
    assert call("sample", "--out", tmp_path / "out") == 130
    assert capfd.readouterr().err == "pdm: interrupted\n"


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB"), MemoryError()])
def test_a_lack_of_memory_is_one_line(monkeypatch, capfd, tmp_path, error):
    def fail(arguments):
        raise error

    monkeypatch.setattr(sample, "sample", fail)
    assert refused(capfd, "sample", "--out", tmp_path / "out") in (
        "CUDA out of memory. Tried to allocate 2 GiB",
        "MemoryError",
    )


def test_an_error_of_our_own_is_not_hidden(monkeypatch, tmp_path):
    def fail(arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(sample, "sample", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["sample", "--out", str(tmp_path / "out")])


def test_equal_commands_make_equal_configurations_and_only_given_values_are_replaced():
    def config(*options):
        return train_config(build_parser().parse_args(["train", *options]))

    assert config() == PRESETS["pdm"] == config("--preset", "pdm")
    changed = config("--images", "99", "--prototypes", "5", "--size", "24", "--augment", "flip", "--seed", "3")
    expected = replace(PRESETS["pdm"], image_size=24, augment="flip", seed=3)
    expected = replace(expected, optim=replace(expected.optim, images=99))
    assert changed == replace(expected, prototypes=replace(expected.prototypes, count=5))
    assert config("--preset", "emoji") == PRESETS["emoji"]
    mirrored = config("--preset", "emoji", "--augment", "flip")  # of any data set, whose classes have other names
    assert mirrored == replace(PRESETS["emoji"], mirrored=())
    short, whole = config("--preset", "stl10-96", "--warmup", "200"), PRESETS["stl10-96"]
    assert short.memory == replace(whole.memory, encoder_steps=200)
    assert short.prototypes == replace(whole.prototypes, warmup_steps=200, settle_steps=50)
