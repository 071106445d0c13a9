"""Raw requests to every event that the page itself names, with whatever a stranger may think of: one line each."""

import json
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.ui.app_server import started_app

META = {"_type": "gradio.FileData"}
PATIENCE = 20.0  # seconds for any answer; ten are enough where the tests have the machine to themselves
SECRET = "the secret of this test"
# Folders of a machine, lines of a traceback, and what Gradio tells its developers.
TELLTALE = re.compile(
    r'Traceback|File \\?"|site-packages|\.py\b|/tmp/|/etc/|/home/|/proc/|Wanted inputs|Received inputs'
    r"|Could not preprocess|pydantic|gradio cache|Errno|" + re.escape(str(Path(__file__).parents[2]))
)


@pytest.fixture(scope="module")
def app_url(tmp_path_factory):
    """An app of its own: so many requests from one address would make other tests wait for their turn."""
    with started_app(tmp_path_factory.mktemp("hostile")) as url:
        yield url


@pytest.fixture(scope="module")
def config(app_url):
    models = httpx.post(f"{app_url}/gradio_api/run/models", json={"data": []}, timeout=120)
    assert models.status_code == 200  # from here on all are loaded, and nothing takes long
    return httpx.get(f"{app_url}/config", timeout=60).json()


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Files that are none of a visitor's business, and ways to them that lie in the upload folder."""
    private = tmp_path_factory.mktemp("private")
    private.chmod(0o700)
    Image.new("RGB", (8, 8)).save(private / "hidden.png", "PNG")
    (private / "set.safetensors").write_text(SECRET)
    uploads = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()).resolve() / "gradio")
    inside = Path(tempfile.mkdtemp(prefix="hostile", dir=uploads))
    (inside / "link.png").symlink_to(private / "hidden.png")
    (inside / "link.safetensors").symlink_to(private / "set.safetensors")
    (inside / "folder").symlink_to(private)
    os.mkfifo(inside / "pipe.png")
    os.mkfifo(inside / "pipe.safetensors")
    yield [
        private / "hidden.png",
        private / "set.safetensors",
        private / "missing.png",
        private,
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
    for path in inside.iterdir():
        path.unlink()
    inside.rmdir()


def events(config):
    """Every event with code on the server: its number, name and how many inputs it takes."""
    return [(d["id"], d["api_name"], len(d["inputs"])) for d in config["dependencies"] if d["backend_fn"]]


def hostile_files(paths):
    for i, path in enumerate(paths):
        yield {"path": str(path)} if i % 2 else {"path": str(path), "meta": META, "url": str(path)}
        yield {"path": str(path), "meta": META} if i % 2 else [{"path": str(path)}]


def wrong_data(inputs):
    """Too few, mistyped, halves of characters, deep ones."""
    deep: list = []
    for _ in range(40):
        deep = [deep]
    for value in ({"a": 1}, "text <img src=x>", "half \ud800", deep, -1, 1e308, [], True, None):
        yield [value] * inputs
    yield []
    yield [None] * (inputs + 3)


def answers(http, url, number, name, data, session, event_data=None):
    """What both doors say: at once, and through the queue."""
    body = {"data": data, "fn_index": number, "session_hash": session, "event_data": event_data}
    raw = json.dumps(body)  # a lone surrogate stays one
    headers = {"Content-Type": "application/json"}
    at_once = http.post(f"{url}/gradio_api/run/{name or 'none'}", content=raw, headers=headers)
    yield at_once.status_code, at_once.text
    joined = http.post(f"{url}/gradio_api/queue/join", content=raw, headers=headers)
    yield joined.status_code, joined.text
    if joined.status_code == 200:
        said = []
        with http.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                if '"success":false' in line or '"title"' in line:
                    said.append(line)
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        yield joined.status_code, "\n".join(said)


def check(found):
    for status, text in found:
        assert status in (200, 400, 403, 404, 413, 422, 429, 500, 503), status
        if status != 200 or '"success":false' in text:
            assert not TELLTALE.search(text), text[:500]
            assert len(text) < 3000, text[:500]
        assert SECRET not in text


def everywhere(app_url, jobs):
    """Run (number, name, data, event data) in a few threads; a hang is an error of the client's."""

    def one(numbered):
        k, (number, name, data, event_data) = numbered
        check(answers(http, app_url, number, name, data, f"hostile-{os.getpid()}-{k}", event_data))

    with httpx.Client(timeout=PATIENCE) as http, ThreadPoolExecutor(12) as pool:
        return len(list(pool.map(one, enumerate(jobs))))


@pytest.mark.slow
def test_no_event_reads_a_file_that_was_not_uploaded(app_url, config, paths):
    files = list(hostile_files(paths))
    jobs = []
    for k, (number, name, inputs) in enumerate(events(config)):
        some = files if "load" in str(name) or "upload" in str(name) else [files[(k + i) % len(files)] for i in (0, 9)]
        jobs += [(number, name, [file] * inputs, {"id": 0, "index": 0, "file": file}) for file in some]
    assert everywhere(app_url, jobs) > 100


@pytest.mark.slow
def test_no_event_is_upset_by_wrong_values(app_url, config):
    jobs = []
    for k, (number, name, inputs) in enumerate(events(config)):
        wrong = list(wrong_data(inputs))
        jobs += [(number, name, wrong[(k + i) % len(wrong)], [None, {}, {"id": "x"}, "y"][i % 4]) for i in range(3)]
    assert everywhere(app_url, jobs) > 100
    assert httpx.get(app_url, timeout=30).status_code == 200
