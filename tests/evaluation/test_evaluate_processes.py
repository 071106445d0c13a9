"""Two processes share the samples out and get the numbers of one."""

import json
from pathlib import Path

import pytest
import torch

from pdm.evaluation import evaluate as module
from pdm.evaluation.drawing import VARIANTS, Sampling
from pdm.evaluation.evaluate import FEATURES, RESULTS, evaluate
from pdm.evaluation.references import References
from pdm.pipelines.loading import load_pipeline
from tests.processes import two_processes
from tests.saved_features import read_features
from tests.tiny import banded, tiny_feature_net


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


def evaluated(model: str, out: Path) -> tuple[list[int], dict]:
    """The parts that this process drew, and the numbers that it got."""
    drawn, draw_batch = [], module.draw_batch

    def counted(*call):
        drawn.append(call[3])
        return draw_batch(*call)

    module.draw_batch = counted  # for good: the process ends with this call
    result = evaluate(**arguments(model), out=out)
    return drawn, result["quality"]


@pytest.mark.slow
def test_two_processes_make_half_of_the_parts_each_and_the_features_of_one(saved, tmp_path):
    (first, said), (second, again) = two_processes(evaluated, str(saved), tmp_path / "two")
    one = evaluate(**arguments(str(saved)), out=tmp_path / "one")
    two = json.loads((tmp_path / "two" / RESULTS).read_text())
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["quality"]["pdm"] == pytest.approx(one["quality"]["pdm"], abs=5e-3)
    features = [read_features(tmp_path / name / FEATURES)["pdm"] for name in ("one", "two")]
    assert torch.allclose(*features, atol=0.02)  # another number of threads may round a pixel to its neighbour
    assert (first, second) == ([0, 10, 20], [5, 15]) and said == again == two["quality"]
