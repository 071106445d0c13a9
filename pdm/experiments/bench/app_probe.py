"""Start the app as a visitor's machine would, and measure: seconds to its first answer, to pictures, peak memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.support.paths import ROOT

APP = ROOT / "app.py"
START_LIMIT = 180.0  # seconds
COUNT = 16


@dataclass(frozen=True)
class AppNumbers:
    """Seconds to the first HTTP 200 on /, then to `COUNT` pictures from the API; peak bytes of the process tree."""

    start_s: float
    pictures_s: float
    peak_rss: int


def probe_app(model: str) -> AppNumbers:
    """Start app.py on a free port, ask for 16 pictures, stop it. Raises ValueError when it does not answer."""
    from gradio_client import Client

    if not APP.is_file():
        raise ValueError(f"app: expected {APP.name} beside the package, got none")
    with tempfile.TemporaryDirectory() as folder, started_app(model) as server:
        answered = time.perf_counter()
        client = Client(server.url, download_files=folder, verbose=False)
        result = client.predict(
            model=model,
            method="pdm",
            prototypes=[],
            weights=[],
            count=COUNT,
            seed=1,
            steps=DEFAULT_STEPS,
            guidance=DEFAULT_GUIDANCE,
            api_name="/generate",
        )
        finished = time.perf_counter()
        pictures = {text for text in _strings(result) if text.endswith(".png")}
        if len(pictures) != COUNT:
            raise ValueError(f"app: expected {COUNT} PNG files from /generate, got {len(pictures)}")
        return AppNumbers(server.start_s, finished - answered, server.peak[0])


@dataclass(frozen=True)
class Server:
    """A server that answers: its address, seconds to its first HTTP 200, [peak bytes] of its process tree so far."""

    url: str
    start_s: float
    peak: list[int]
    pid: int
    said: Callable[[], str]  # what it wrote to its log so far


@contextmanager
def started_app(model: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The app with a model, and with votes of its own that go when it does."""
    with tempfile.TemporaryDirectory() as folder:
        votes = f"{folder}/votes.sqlite"
        with started(str(APP), "--model", model, "--votes", votes, environment=environment) as server:
            yield server


@contextmanager
def started(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run Python with these arguments and a free --port, and stop it at the end; raises ValueError for no answer.

    `environment`: variables beside those of this process.
    """
    with tempfile.TemporaryFile("w+") as log:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        begin = time.perf_counter()
        command = [sys.executable, *arguments, "--port", str(port)]
        env = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, cwd=APP.parent, stdout=log, stderr=subprocess.STDOUT, env=env)
        with _watched(process) as peak:
            _wait_for_answer(process, url, begin, log)
            yield Server(url, time.perf_counter() - begin, peak, process.pid, lambda: _written(log))


def _written(log) -> str:
    """What is in the log of a process that goes on writing it: the place where it writes is left alone."""
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0).decode(errors="replace")


def _wait_for_answer(process: subprocess.Popen, url: str, started: float, log) -> None:
    while time.perf_counter() - started < START_LIMIT:
        if process.poll() is not None:
            log.seek(0)
            last = (log.read().strip().splitlines() or ["nothing"])[-1]
            raise ValueError(f"app: expected it to start, got exit code {process.returncode}: {last}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise ValueError(f"app: expected an answer within {START_LIMIT:.0f} s, got none")


@contextmanager
def _watched(process: subprocess.Popen) -> Iterator[list[int]]:
    """Sample the memory of the process and its children until the end, then stop them. Yields [peak bytes]."""
    import psutil

    peak, done, root = [0], threading.Event(), psutil.Process(process.pid)

    def tree() -> list[psutil.Process]:
        try:
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def watch() -> None:
        while not done.wait(0.05):
            total = 0
            for member in tree():
                try:
                    total += member.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        members = tree()
        for member in members:
            try:
                member.terminate()
            except psutil.NoSuchProcess:
                continue
        _, left = psutil.wait_procs(members, timeout=10)
        for member in left:
            member.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings(inner)
