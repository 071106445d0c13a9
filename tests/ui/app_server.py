"""How the tests start the app: as a process of its own, on a free port."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(port: int, log, *options: str) -> subprocess.Popen:
    command = [sys.executable, "app.py", "--port", str(port), *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
