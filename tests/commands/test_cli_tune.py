"""From a trained model to a student's pictures by commands alone."""

import json

import pytest
from PIL import Image

from pdm.pipelines.recipe import read_recipe
from tests.command_line import done, refused

pytestmark = pytest.mark.usefixtures("tiny_presets")
QUICK = ("--device", "cpu")


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_a_model_is_tuned_resumed_sampled_and_measured_in_two_steps(pictures, tmp_path, capfd, method):
    run, out = tmp_path / "tuned", tmp_path / "out"
    done(capfd, "train", "--preset", method, "--data", pictures, "--size", 16, "--out", tmp_path / "run", *QUICK)
    tuning = (
        "tune",
        "--model",
        tmp_path / "run" / "pipeline",
        "--method",
        method,
        "--data",
        pictures,
        "--out",
        run,
        "--images",
        16,
        "--batch-size",
        8,
        "--learning-rate",
        1e-4,
        "--stages",
        3,
        *QUICK,
    )
    done(capfd, *tuning, "--max-minutes", 1e-9)
    assert json.loads((run / "training_card.json").read_text())["images_seen"] == 8
    line, model = done(capfd, *tuning), run / "pipeline"
    assert line.startswith(f"wrote the pipeline with its student to {model}, its training card and samples.png to")
    assert line.endswith(f"sample --model {model} --method {method} --steps 2")
    card = json.loads((run / "training_card.json").read_text())
    assert card["images_seen"] == 16 and card["config"]["consistency"]["stages"] == 3
    with Image.open(run / "samples.png") as grid:
        assert grid.size == (32, 32)

    sampling = ("sample", "--model", model, "--method", method, "--count", 2, "--out", out, *QUICK)
    for options, sampler in (
        (("--steps", 2), "student"),
        (("--steps", 3), "dpm++2m"),
        (("--steps", 2, "--sampler", "euler"), "euler"),
    ):
        done(capfd, *sampling, *options)
        assert [read_recipe(out / f"000{i}.png").sampler for i in (0, 1)] == [sampler] * 2
    message = refused(capfd, *sampling, "--steps", 5, "--sampler", "student")
    assert message == "num_inference_steps: expected 1, 2 or 4 for the student, the nearest being 4, got 5"

    done(
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
        "--steps",
        2,
        "--out",
        tmp_path / "evaluation",
        *QUICK,
    )
    result = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert result["sampling"]["sampler"] == "student" and result["sampling"]["steps"] == 2


def test_a_model_without_a_student_or_a_card_is_refused_in_one_line(saved, pictures, tmp_path, capfd):
    message = refused(capfd, "sample", "--model", saved, "--steps", 2, "--sampler", "student", "--out", tmp_path / "o")
    assert message.startswith("sampler: expected one of dpm++2m") and "without a student" in message
    message = refused(capfd, "tune", "--model", saved, "--data", pictures, "--out", tmp_path / "o", *QUICK)
    assert (
        message == f"{saved / 'pdm'}: expected a pipeline with its training card (training_card.json), got one without"
    )
    assert not (tmp_path / "o").exists()
