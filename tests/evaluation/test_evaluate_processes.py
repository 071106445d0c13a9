"""Two processes share the samples out and get the numbers of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pdm.evaluation.drawing import VARIANTS, Sampling
from pdm.evaluation.evaluate import FEATURES, RESULTS, evaluate
from pdm.evaluation.references import References
from pdm.pipelines.loading import load_pipeline
from tests.saved_features import read_features
from tests.tiny import banded, tiny_feature_net

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys
from pathlib import Path
from pdm.evaluation import evaluate as module
from pdm.evaluation.evaluate import evaluate
from tests.evaluation.test_evaluate_processes import arguments
drawn, draw_batch = [], module.draw_batch
def counted(*call):
    drawn.append(call[3])
    return draw_batch(*call)
module.draw_batch = counted
result = evaluate(**arguments(sys.argv[1]), out=Path(sys.argv[2]))
Path(sys.argv[2] + os.environ["RANK"]).write_text(json.dumps([drawn, result["quality"]]))
"""


def arguments(model: str) -> dict:
    data, net = banded(), tiny_feature_net()
    return {
        "pipeline": load_pipeline(model, "pdm"),
        "train": data,
        "references": References.of(net, data, banded(seed=1)),
        "sampling": Sampling(samples=24, steps=1, batch_size=5),
        "variants": VARIANTS["pdm"][:1],
        "per_prototype": 1,
        "quiet": True,
    }


@pytest.mark.slow
def test_two_processes_make_half_of_the_parts_each_and_the_features_of_one(saved, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    result = subprocess.run(
        [*command, str(tmp_path / "script.py"), str(saved), str(tmp_path / "two")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    one = evaluate(**arguments(str(saved)), out=tmp_path / "one")
    two = json.loads((tmp_path / "two" / RESULTS).read_text())
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["quality"]["pdm"] == pytest.approx(one["quality"]["pdm"], abs=5e-3)
    features = [read_features(tmp_path / name / FEATURES)["pdm"] for name in ("one", "two")]
    assert torch.allclose(*features, atol=0.02)  # another number of threads may round a pixel to its neighbour
    (first, said), (second, again) = (json.loads((tmp_path / f"two{rank}").read_text()) for rank in (0, 1))
    assert (first, second) == ([0, 10, 20], [5, 15]) and said == again == two["quality"]
