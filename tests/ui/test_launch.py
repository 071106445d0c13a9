"""`accelerate launch` starts a command in two processes, which share the samples out and speak once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdm.evaluation.featurenet import save_feature_net
from tests.command_line import class_folders, done
from tests.tiny import tiny_feature_net

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_processes_of_accelerate_evaluate_as_one_does(saved, tmp_path, capfd):
    save_feature_net(tiny_feature_net(), tmp_path / "net", {})
    data = class_folders(tmp_path / "data", per_class=6)
    evaluating = [
        "evaluate",
        "--model",
        saved,
        "--data",
        data,
        "--classifier",
        tmp_path / "net",
        "--samples",
        120,
        "--steps",
        1,
        "--device",
        "cpu",
        "--cache",
        tmp_path / "cache",
    ]
    done(capfd, *evaluating, "--out", tmp_path / "one")
    # With --cpu in place of --multi_gpu it would start them by MPI, which few machines have.
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        2,
        "--num_machines",
        1,
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        0,
        "--module",
        "pdm",
    ]
    command = [str(part) for part in (*launch, *evaluating, "--out", tmp_path / "two")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "hf")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.count("wrote evaluation.json") == 1
    one, two = (json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("one", "two"))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["quality"]["pdm"] == pytest.approx(one["quality"]["pdm"], abs=5e-3)
