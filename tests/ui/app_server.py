"""How the tests start the app: as a process of its own, on a free port; one for all workers of a run."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

ROOT = Path(__file__).parents[2]
START, END = 180, 20  # seconds that an app may take to answer, and to end


@dataclass(frozen=True)
class App:
    """A running app: its address, its process, and the folder of its log and its votes."""

    url: str
    pid: int
    folder: Path

    @property
    def votes(self) -> Path:
        return self.folder / "votes.sqlite"

    def stop(self) -> None:
        try:
            process = psutil.Process(self.pid)
            process.terminate()
            deadline = time.monotonic() + END
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # another worker may be its parent
                assert time.monotonic() < deadline, f"the app does not end: {self.log}"
                time.sleep(0.1)
        except psutil.NoSuchProcess:
            pass

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_app(folder: Path, *options: str, port: int | None = None) -> App:
    """Start the app, on a free port where none is named, and wait until it answers.

    Where the options don't say what opens it is the smallest model, which paints soonest.
    """
    port = port or free_port()
    command = [sys.executable, "app.py", "--port", str(port), "--device", "cpu"]
    if not {"--model", "--assets"} & {*options}:
        command += ["--model", "fashion-mnist"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [*command, "--votes", str(folder / "votes.sqlite"), *options],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    app = App(f"http://127.0.0.1:{port}", process.pid, folder)
    deadline = time.monotonic() + START
    try:
        while True:
            try:
                urllib.request.urlopen(app.url, timeout=5).close()
                process.returncode = 0  # nobody waits for it any more: `stop` ends it, maybe in another worker
                return app
            except (urllib.error.URLError, OSError):
                assert process.poll() is None and time.monotonic() < deadline, app.log
                time.sleep(0.3)
    except BaseException:
        app.stop()
        raise


@contextmanager
def started_app(folder: Path, *options: str) -> Iterator[str]:
    """An app of one's own; its address."""
    app = start_app(folder, *options)
    try:
        yield app.url
    finally:
        app.stop()


@contextmanager
def shared_app(folder: Path) -> Iterator[App]:
    """The one app of all workers: the first that asks starts it in `folder`, the last that is done with it ends it."""
    state, lock = folder / "app.json", FileLock(folder / "app.lock")
    with lock:
        if state.exists():
            found = json.loads(state.read_text())
        else:
            found = {"app": vars(start_app(folder)) | {"folder": str(folder)}, "users": 0}
        state.write_text(json.dumps(found | {"users": found["users"] + 1}))
    app = App(**found["app"] | {"folder": folder})
    try:
        yield app
    finally:
        with lock:
            users = json.loads(state.read_text())["users"] - 1
            state.write_text(json.dumps(found | {"users": users}))
            if not users:
                state.unlink()
                app.stop()
