"""The Dockerfile, without an engine: what it copies is here, what it runs parses, what it asks for answers."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from pdm.ui.guard.doors import HEALTH
from tests.documents import ROOT

INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "CMD"}


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """(instruction, its arguments), continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in lines]


def of(steps, name: str) -> list[str]:
    return [rest for instruction, rest in steps if instruction == name]


def test_it_is_made_of_known_instructions_and_begins_with_a_python_that_we_support(steps):
    assert {name for name, _ in steps} <= INSTRUCTIONS and steps[0][0] == "FROM"
    assert re.fullmatch(r"python:3\.1[0-3]-slim", steps[0][1])


def test_what_it_copies_is_here_and_not_ignored(steps):
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [name for rest in of(steps, "COPY") for name in rest.split()[:-1]]
    assert sources and all((ROOT / name).exists() for name in sources) and set(sources) == kept


def test_requirements_are_installed_before_the_code_so_that_a_change_of_code_is_quick_to_build(steps):
    order = [rest for name, rest in steps if name in ("COPY", "RUN")]
    install = next(i for i, rest in enumerate(order) if "pip install" in rest)
    assert order[install - 1].startswith("requirements.txt") and "app.py" in order[install + 1]


def test_every_shell_command_is_one(steps):
    for rest in of(steps, "RUN"):
        assert subprocess.run(["bash", "-n", "-c", rest], capture_output=True).returncode == 0, rest


def test_it_runs_as_nobody_special_and_the_port_is_the_apps(steps):
    assert of(steps, "USER") == ["user"]
    environment = dict(pair.split("=") for rest in of(steps, "ENV") for pair in shlex.split(rest))
    assert of(steps, "EXPOSE") == [environment["GRADIO_SERVER_PORT"]] == ["7860"]
    assert environment["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert of(steps, "STOPSIGNAL") == ["SIGTERM"]


def test_its_command_is_one_that_the_app_takes(steps):
    (command,) = (json.loads(rest) for rest in of(steps, "CMD"))
    assert command[:2] == ["python", "app.py"]
    done = subprocess.run([sys.executable, *command[1:], "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and all(option in done.stdout for option in command if option.startswith("--"))


def test_its_health_check_is_python_that_asks_for_the_page_that_answers(steps):
    (check,) = of(steps, "HEALTHCHECK")
    _, _, code = json.loads(check.split("CMD", 1)[1])
    compile(code, "HEALTHCHECK", "exec")
    assert f"http://127.0.0.1:7860{HEALTH}" in code
