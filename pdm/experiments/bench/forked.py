"""Commands in processes that are forked from one that has imported everything, and that can be killed at any moment.

Importing takes seconds, a small run less than one: a command that starts as usual would be killed in its imports.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from pdm.support.paths import ROOT

LOG = "log.txt"  # in a command's folder: what it said, its errors included
KILLED = -signal.SIGKILL  # the code of a process that was killed
LIMIT = 300.0  # seconds that a run may take, on a slow machine, too; a hang ends there
PRELOADED = (  # what commands import when they run, and what their libraries do
    "pdm.cli",
    "pdm.app.votes",
    "pdm.editing.set_file",
    "pdm.experiments.ablation.ablate",
    "pdm.experiments.ablation.ablation_table",
    "pdm.experiments.curves.run",
    "pdm.map.generated",
    "pdm.map.projection",
    "pdm.retrieval.memory_stream",
    "pdm.training.tune",
)
# One thread each: a pool of threads does not survive a fork, and a run's bits are then those of any other run.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",  # GNU OpenMP refuses to be forked, even with one
    "OPENBLAS_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "PDM_FSYNC": "0",  # a kill loses nothing that the system has
}


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or `KILLED`, after how many seconds."""

    code: int
    seconds: float


# Runs `python -m MODULE ARGUMENTS` in a folder, and kills it after so many seconds unless they are None.
Run = Callable[[str, Sequence[str], Path, float | None], Ended]


@contextmanager
def fork_server(environment: Mapping[str, str] | None = None) -> Iterator[Run]:
    """A process that imports everything once and then forks one for each run; yields what runs a module there."""
    command = [sys.executable, "-m", "pdm.experiments.bench.forked"]
    env = {**os.environ, **ENVIRONMENT, **(environment or {})}
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    asked, told = server.stdin, server.stdout

    def run(module: str, arguments: Sequence[str], folder: Path, kill_after: float | None) -> Ended:
        values = {"module": module, "arguments": list(arguments), "folder": str(folder), "kill_after": kill_after}
        asked.write(json.dumps(values) + "\n")
        asked.flush()
        answer = told.readline()
        if not answer:
            raise ValueError(f"hostile: expected a process that forks others, got exit code {server.wait()}")
        return Ended(**json.loads(answer))

    try:
        yield run
    finally:
        asked.close()  # which ends it
        server.wait()
        told.close()


def forked(work: Callable[[], object], folder: Path, kill_after: float | None = None) -> Ended:
    """Do work in a process of its own, in a folder; kill its whole group after so many seconds, or after `LIMIT`.

    Its exit code is 1 for an error that nobody caught; what it says is added to `LOG`.
    """
    started = time.monotonic()
    pid = os.fork()
    if not pid:
        os._exit(_child(work, folder))
    ends = started + (LIMIT if kill_after is None else kill_after)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return Ended(os.waitstatus_to_exitcode(status), time.monotonic() - started)
        if time.monotonic() >= ends:
            break
        time.sleep(0.001)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has no group of its own yet
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return Ended(os.waitstatus_to_exitcode(status), time.monotonic() - started)


def _child(work: Callable[[], object], folder: Path) -> int:
    """What the forked process does; returns its exit code."""
    import traceback

    try:
        os.setsid()  # a group of its own
        os.chdir(folder)
        log = os.open(LOG, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
        for handle, there in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(handle, there)
        sys.stdout, sys.stderr = (os.fdopen(there, "w", buffering=1) for there in (1, 2))
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    return code


def _module(name: str, arguments: Sequence[str]) -> None:
    """`python -m NAME ARGUMENTS` in this process."""
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _warm_up() -> None:
    """Import everything, and let UMAP compile itself."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    for name in PRELOADED:
        import_module(name)
    layout = import_module("pdm.map.layout")
    layout.lay_out(np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32))


def serve() -> None:
    """Run what each line of the input asks for, and tell how it ended, until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries say is no answer
    _warm_up()
    while line := sys.stdin.readline():
        asked = json.loads(line)
        module, arguments = asked["module"], asked["arguments"]
        ended = forked(lambda: _module(module, arguments), Path(asked["folder"]), asked["kill_after"])  # noqa: B023
        print(json.dumps(asdict(ended)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
