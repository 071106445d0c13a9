"""How the tests start the app: as a process of its own, on a free port."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def started_app(folder: Path, *options: str) -> Iterator[str]:
    """The app's address once it answers; its log and its votes lie in `folder`."""
    port, log = free_port(), folder / "log.txt"
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "app.py", "--port", str(port), "--device", "cpu"]
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--votes", str(folder / "votes.sqlite"), *options],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 180
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except (urllib.error.URLError, OSError):
                    assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                    time.sleep(0.3)
            yield url
        finally:
            process.terminate()
            process.wait(20)
