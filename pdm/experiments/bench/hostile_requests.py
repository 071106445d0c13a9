"""Raw requests from strangers: to every event of a page, public or private, with whatever they may think of.

What comes of them: an answer of one line, soon. A traceback or a path tells a stranger about the server, and a file
that is none of his business must be neither read nor written.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from pdm.experiments.bench.app import app_model
from pdm.experiments.bench.app_probe import START_LIMIT, started_app
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.support.paths import ROOT

META = {"_type": "gradio.FileData"}
SECRET = "the secret of this machine"  # in a file that no visitor may read
STATUSES = (200, 400, 403, 404, 413, 422, 429, 500, 503)
MOST = 3000  # characters of a refusal
PATIENCE = 60.0  # seconds for any answer; a hang takes longer
REQUESTS = 2000
TOGETHER = 12  # sent at once
SHOWN_FAULTS = 40
# Folders of a machine, lines of a traceback, and what Gradio tells its developers.
TELLTALE = re.compile(
    r'Traceback|File \\?"|site-packages|\.py\b|/tmp/|/etc/|/home/|/proc/|Wanted inputs|Received inputs'
    r"|Could not preprocess|pydantic|gradio cache|Errno|" + re.escape(str(ROOT))
)
Event = tuple[int, str | None, int]  # its number, its name, and how many inputs it takes
Job = tuple[int, str | None, list, object]  # an event's number and name, its inputs, and what the browser says of it


def events(config: dict) -> list[Event]:
    """Every event of a page with code on the server."""
    return [(d["id"], d["api_name"], len(d["inputs"])) for d in config["dependencies"] if d["backend_fn"]]


@contextmanager
def strange_paths(folder: Path, url: str) -> Iterator[list[Path | str]]:
    """Files in `folder` that are none of a visitor's business, and ways to them among uploads of the app at `url`."""
    folder.chmod(0o700)
    Image.new("RGB", (8, 8)).save(folder / "hidden.png", "PNG")
    (folder / "set.safetensors").write_text(SECRET)
    sent = httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.png", b"x")}, timeout=PATIENCE)
    uploads = Path(sent.raise_for_status().json()[0]).parents[1]
    inside = Path(tempfile.mkdtemp(prefix="hostile", dir=uploads))
    (inside / "link.png").symlink_to(folder / "hidden.png")
    (inside / "link.safetensors").symlink_to(folder / "set.safetensors")
    (inside / "folder").symlink_to(folder)
    os.mkfifo(inside / "pipe.png")
    os.mkfifo(inside / "pipe.safetensors")
    try:
        yield [
            folder / "hidden.png",
            folder / "set.safetensors",
            folder / "missing.png",
            folder,
            inside,
            inside / "link.png",
            inside / "link.safetensors",
            inside / "folder" / "hidden.png",
            inside / "pipe.png",
            inside / "pipe.safetensors",
            "/etc/passwd",
            "/dev/zero",
            "http://127.0.0.1:9/a.png",
            "file:///etc/passwd",
        ]
    finally:
        for path in inside.iterdir():
            path.unlink()
        inside.rmdir()


def hostile_files(paths: list[Path | str]) -> Iterator[dict | list]:
    """What a browser says of a file that was uploaded, for files that were not."""
    for i, path in enumerate(paths):
        yield {"path": str(path)} if i % 2 else {"path": str(path), "meta": META, "url": str(path)}
        yield {"path": str(path), "meta": META} if i % 2 else [{"path": str(path)}]


def wrong_data(inputs: int) -> Iterator[list]:
    """Too few, mistyped, halves of characters, deep ones."""
    deep: list = []
    for _ in range(40):
        deep = [deep]
    for value in ({"a": 1}, "text <img src=x>", "half \ud800", deep, -1, 1e308, [], True, None):
        yield [value] * inputs
    yield []
    yield [None] * (inputs + 3)


def jobs_with_files(found: list[Event], paths: list[Path | str]) -> list[Job]:
    """All files for events that take some, two for each other one."""
    files, jobs = list(hostile_files(paths)), []
    for k, (number, name, inputs) in enumerate(found):
        takes = "load" in str(name) or "upload" in str(name)
        some = files if takes else [files[(k + i) % len(files)] for i in (0, 9)]
        jobs += [(number, name, [file] * inputs, {"id": 0, "index": 0, "file": file}) for file in some]
    return jobs


def jobs_with_values(found: list[Event], each: int = 3) -> list[Job]:
    """So many of the wrong values for each event, other ones for the next."""
    jobs = []
    for k, (number, name, inputs) in enumerate(found):
        wrong = list(wrong_data(inputs))
        said = [None, {}, {"id": "x"}, "y"]
        jobs += [(number, name, wrong[(k + i) % len(wrong)], said[i % 4]) for i in range(each)]
    return jobs


def answers(http: httpx.Client, url: str, job: Job, session: str, headers: dict | None = None) -> Iterator[tuple]:
    """What both doors say, as (status, text): at once, and through the queue. Raises TimeoutError for a hang."""
    number, name, data, event_data = job
    ends = time.monotonic() + PATIENCE
    body = {"data": data, "fn_index": number, "session_hash": session, "event_data": event_data}
    raw = json.dumps(body)  # a lone surrogate stays one
    headers = {"Content-Type": "application/json", **(headers or {})}
    at_once = http.post(f"{url}/gradio_api/run/{name or 'none'}", content=raw, headers=headers)
    yield at_once.status_code, at_once.text
    joined = http.post(f"{url}/gradio_api/queue/join", content=raw, headers=headers)
    yield joined.status_code, joined.text
    if joined.status_code == 200:
        said, asked = [], {"session_hash": session}
        with http.stream("GET", f"{url}/gradio_api/queue/data", params=asked, headers=headers) as stream:
            for line in stream.iter_lines():
                if time.monotonic() > ends:  # heartbeats come as long as a client waits
                    raise TimeoutError(f"{name}: expected an end within {PATIENCE:g} s, got none")
                if '"success":false' in line or '"title"' in line:
                    said.append(line)
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        yield joined.status_code, "\n".join(said)


def fault(status: int, text: str) -> str | None:
    """What is wrong with an answer: "files", where a file was read, or "dumps", where it says too much; else None."""
    if SECRET in text:
        return "files"
    refused = status != 200 or '"success":false' in text
    if status not in STATUSES or (refused and (TELLTALE.search(text) or len(text) >= MOST)):
        return "dumps"
    return None


def requests(bench: Bench) -> tuple[Numbers, dict]:
    """Two thousand requests to all events of a started app, each from an address of its own."""
    with tempfile.TemporaryDirectory() as made, started_app(app_model(bench), {"PDM_PROXIES": "1"}) as server:
        private = Path(made) / "private"
        private.mkdir()
        httpx.post(f"{server.url}/gradio_api/run/models", json={"data": []}, timeout=START_LIMIT)  # then all are loaded
        config = httpx.get(f"{server.url}/config", timeout=PATIENCE).raise_for_status().json()
        found = events(config)
        with strange_paths(private, server.url) as paths:
            before = _contents(private)
            jobs = jobs_with_files(found, paths)
            each = max(1, -(-(REQUESTS // 2 - len(jobs)) // len(found)))  # a job is two requests, one a door
            jobs = (jobs + jobs_with_values(found, each))[: bench.pick(len(jobs) + each * len(found), 8)]
            statuses, faults = ask(server.url, jobs)
            faults += ["files: what is private has changed"] if _contents(private) != before else []
        said = server.said()
    tracebacks = said.count("Traceback (most recent call last)")
    kinds = Counter(fault.partition(":")[0] for fault in faults)
    numbers: Numbers = {"hostile.requests": 2 * len(jobs), "hostile.requests_tracebacks": tracebacks}
    numbers |= {f"hostile.requests_{kind}": kinds[kind] for kind in ("dumps", "files", "hangs")}
    settings = {"events": len(found), "together": TOGETHER, "statuses": dict(statuses), "faults": faults[:SHOWN_FAULTS]}
    return numbers, settings | ({"log": said[-MOST:]} if tracebacks else {})


def ask(url: str, jobs: Sequence[Job]) -> tuple[Counter[int], list[str]]:
    """Send jobs, some at a time; returns how many answers had which status, and the faults, "dumps: ..." and so on."""
    statuses: Counter[int] = Counter()

    def one(numbered: tuple[int, Job]) -> list[str]:
        k, job = numbered
        address, faults = {"X-Forwarded-For": f"10.8.{k // 250}.{1 + k % 250}"}, []
        try:
            for status, text in answers(http, url, job, f"hostile-{k}", address):
                statuses[status] += 1
                if kind := fault(status, text):
                    faults.append(f"{kind}: {job[1]}: {status} {text[:200]}")
        except (TimeoutError, httpx.TransportError) as error:
            faults.append(f"hangs: {job[1]}: {type(error).__name__}")
        return faults

    with httpx.Client(timeout=PATIENCE) as http, ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(one, enumerate(jobs)))
    return statuses, [fault for faults in found for fault in faults]


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
