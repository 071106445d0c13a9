"""Training over two processes takes the same steps as over one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from pdm.training.train import Trainer
from tests.tiny import banded, tiny_config

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pdm.training.train import train
from tests.tiny import banded, tiny_config
train(tiny_config(sys.argv[1]), banded(), __import__("pathlib").Path(sys.argv[2]), cpu=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pdm", "rdm"])
def test_two_processes_take_the_steps_of_one(tmp_path, method):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    result = subprocess.run(
        [*command, str(tmp_path / "script.py"), method, str(tmp_path / "two")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    one = Trainer(tiny_config(method), banded(), tmp_path / "one", cpu=True)
    one.run()
    two = Trainer(tiny_config(method), banded(), tmp_path / "two", cpu=True)
    assert two.resume()
    assert two.progress.images_seen == one.progress.images_seen
    assert two.progress.pending == pytest.approx(one.progress.pending, abs=1e-4)
    written = load_file(next((tmp_path / "two" / "pipeline" / "denoiser").glob("*.safetensors")))
    assert all(value.isfinite().all() for value in written.values())


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 3)
    with pytest.raises(ValueError, match="batch_size: expected a multiple of the 3 processes, got 8"):
        Trainer(tiny_config(), banded(), tmp_path, cpu=True)
