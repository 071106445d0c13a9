"""Training over two processes takes the same steps as over one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from pdm.training.train import Trainer, train
from tests.processes import two_processes
from tests.tiny import banded, tiny_config

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from pdm.training.train import train
from tests.tiny import banded, tiny_config

train(tiny_config(sys.argv[1]), banded(), Path(sys.argv[2]), cpu=True)
"""
pytestmark = pytest.mark.usefixtures("small_grid")


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


@pytest.mark.slow
@pytest.mark.parametrize(("method", "start"), [("pdm", by_torchrun), ("rdm", forked)], ids=["pdm", "rdm"])
def test_two_processes_take_the_steps_of_one(tmp_path, method, start):
    start(method, tmp_path / "two")
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
