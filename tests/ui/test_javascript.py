"""The scripts of the page by themselves, on node's own test runner: see tests/js."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "js"


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.test.mjs")), ids=lambda path: path.name.split(".")[0])
def test_the_scripts_of_the_page_do_what_they_should(script):
    node = shutil.which("node")
    if node is None:
        pytest.skip("tests of the page's scripts need node on the PATH, version 20 or later")
    told = subprocess.run(
        [node, "--test", "--test-reporter=tap", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "# fail 0" in told.stdout and "# tests 0" not in told.stdout
