"""Two processes that train, tune or evaluate together get what one gets.

All in one file, because they are forked from one process that takes seconds to start.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pdm.evaluation import evaluate as module
from pdm.evaluation.drawing import VARIANTS, Sampling
from pdm.evaluation.evaluate import FEATURES, RESULTS, evaluate
from pdm.evaluation.references import References
from pdm.pipelines.loading import load_pipeline
from pdm.training.train import Trainer, train
from pdm.training.tune import TUNE_OPTIM, TuneConfig, Tuner, tune, tune_config
from tests.processes import two_processes
from tests.saved_features import read_features
from tests.tiny import banded, tiny_config, tiny_feature_net

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
from pathlib import Path
from pdm.support.lean_imports import import_diffusers
import_diffusers()  # in two fifths of the time
from pdm.training.train import train
from tests.tiny import banded, tiny_config

train(tiny_config(sys.argv[1]), banded(), Path(sys.argv[2]), cpu=True)
"""
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_grid")]


def trained(method: str, folder: str) -> None:
    train(tiny_config(method), banded(), Path(folder), cpu=True)


def by_torchrun(method: str, folder: Path) -> None:
    """As a reader would start it."""
    script = folder.with_name("script.py")
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    result = subprocess.run(
        [*command, str(script), method, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


def forked(method: str, folder: Path) -> None:
    two_processes(trained, method, str(folder))


@pytest.mark.parametrize(("method", "start"), [("pdm", by_torchrun), ("rdm", forked)], ids=["pdm", "rdm"])
def test_a_training_takes_the_steps_of_one(tmp_path, method, start):
    start(method, tmp_path / "two")
    one = Trainer(tiny_config(method), banded(), tmp_path / "one", cpu=True)
    one.run()
    two = Trainer(tiny_config(method), banded(), tmp_path / "two", cpu=True)
    assert two.resume()
    assert two.progress.images_seen == one.progress.images_seen
    assert two.progress.pending == pytest.approx(one.progress.pending, abs=1e-4)
    written = load_file(next((tmp_path / "two" / "pipeline" / "denoiser").glob("*.safetensors")))
    assert all(value.isfinite().all() for value in written.values())


def tuning(method: str, teacher: Path) -> TuneConfig:
    optim = replace(TUNE_OPTIM, images=48, batch_size=8, warmup_images=0)
    return tune_config(teacher, method, optim=optim, precision="no")


def tuned(method: str, teacher: Path, folder: Path) -> None:
    tune(tuning(method, teacher), banded(), folder, cpu=True)


@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_a_tuning_takes_the_steps_of_one(tmp_path, method):
    config = tiny_config(method)
    config = replace(config, optim=replace(config.optim, images=config.optim.batch_size))
    teacher = train(config, banded(), tmp_path / "teacher", cpu=True)
    two_processes(tuned, method, teacher, tmp_path / "two")
    one, two = (Tuner(tuning(method, teacher), banded(), tmp_path / name, cpu=True) for name in ("one", "two"))
    one.run()
    assert two.resume() and two.progress.images_seen == one.progress.images_seen
    assert two.progress.pending == pytest.approx(one.progress.pending, rel=1e-3)
    assert load_pipeline(tmp_path / "two" / "pipeline", method).student is not None


def arguments(model: str, out: Path) -> dict:
    data, net = banded(), tiny_feature_net()
    return {
        "pipeline": load_pipeline(model, "pdm"),
        "train": data,
        "references": {out: References.of(net, data, banded(seed=1))},
        "sampling": Sampling(samples=24, steps=1, batch_size=5),
        "variants": VARIANTS["pdm"][:1],
        "per_prototype": 1,
        "quiet": True,
    }


def evaluated(model: str, out: Path) -> tuple[list[int], dict]:
    """The parts that this process drew, and the numbers that it got."""
    drawn, draw_batch = [], module.draw_batch

    def counted(*call):
        drawn.append(call[3])
        return draw_batch(*call)

    module.draw_batch = counted  # for good: the process ends with this call
    result = evaluate(**arguments(model, out))[out]
    return drawn, result["quality"]


def test_an_evaluation_is_shared_out_and_has_the_features_of_one(saved, tmp_path):
    (first, said), (second, again) = two_processes(evaluated, str(saved), tmp_path / "two")
    one = evaluate(**arguments(str(saved), tmp_path / "one"))[tmp_path / "one"]
    two = json.loads((tmp_path / "two" / RESULTS).read_text())
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["quality"]["pdm"] == pytest.approx(one["quality"]["pdm"], abs=5e-3)
    features = [read_features(tmp_path / name / FEATURES)["pdm"] for name in ("one", "two")]
    assert torch.allclose(*features, atol=0.02)  # another number of threads may round a pixel to its neighbour
    assert (first, second) == ([0, 10, 20], [5, 15]) and said == again == two["quality"]
