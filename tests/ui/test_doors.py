"""What is answered before Gradio: health, closed uploads, tries to log in; and how the app ends."""

import time

import gradio as gr
import httpx
import pytest
from gradio.data_classes import _StaticFiles
from gradio.routes import App
from PIL import Image
from starlette.testclient import TestClient

from pdm.ui import launch
from pdm.ui.components.map_view import served_files
from pdm.ui.components.served import url_of
from pdm.ui.guard.doors import LOGINS, Doors
from pdm.ui.guard.ending import end
from pdm.ui.guard.login import accounts
from tests import asynchronous
from tests.ui.guarded_app import Painter, build, new_gate, served

# Gradio, served in this process, leaves loops and sockets open, and pandas finds its options old.
pytestmark = pytest.mark.filterwarnings("ignore")
UPLOAD = {"files": ("a.png", b"x")}
READ_ONLY = "upload: expected none, this app is read-only"
WHO = {"username": "ann", "password": "secret"}


@pytest.fixture(scope="module")
def app():
    """Read-only, for those with a password, and behind a path prefix."""
    painter = Painter()
    page = build(painter, new_gate())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", "/studio")
        with served(page, auth=[("ann", "secret")], read_only=True) as url:
            yield url, page, painter


@pytest.fixture(scope="module")
def url(app):
    return app[0]


def answered(doors: Doors, method: str, path: str, **options) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://localhost") as client:
            return await client.request(method, path, **options)

    return asynchronous.run(ask())


@pytest.fixture
def doors(app):
    async def inside(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return Doors(inside, app[1], clock=lambda: 0.0)


def test_the_app_says_that_it_is_well_to_whoever_watches_over_it_and_nothing_else(url):
    for path in ("/health", "/health/"):
        answer = httpx.get(url + path)  # without the password
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(url + "/health", headers={"Host": "evil.com"}).status_code == 421


def test_while_it_ends_it_says_so(doors, monkeypatch):
    monkeypatch.setattr(doors.page.listeners, "ended", True)
    answer = answered(doors, "GET", "/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "ending"})


def test_a_read_only_app_takes_no_uploads_and_says_so_in_one_line(url, doors):
    for path in ("/gradio_api/upload", "/gradio_api/upload/", "/studio/gradio_api/upload"):
        answer = httpx.post(url + path, files=UPLOAD)
        assert (answer.status_code, answer.json()["error"]) == (403, READ_ONLY)
    assert answered(doors, "POST", "/gradio_api/upload", files=UPLOAD).status_code == 204


def test_nobody_comes_in_without_the_password(url):
    assert httpx.get(url + "/config").status_code == 401
    wrong = httpx.post(url + "/login", data={"username": "ann", "password": "guess"})
    assert wrong.status_code == 400 and "Incorrect" in wrong.text
    with httpx.Client(base_url=url) as client:
        assert client.post("/login", data=WHO).json() == {"success": True}
        assert client.get("/config").status_code == 200


def test_passwords_are_not_found_by_trying(doors):
    codes = [answered(doors, "POST", "/login").status_code for _ in range(LOGINS + 1)]
    assert codes == [204] * LOGINS + [429]


def test_what_the_guard_closes_is_closed_behind_a_path_prefix_too(url):
    for path in ("/gradio_api/proxy=http://example.org/", "/studio/gradio_api/proxy=http://example.org/"):
        assert httpx.get(url + path).json()["error"] == "path: expected one of this app, got another"


def test_files_are_found_behind_a_path_prefix(monkeypatch):
    monkeypatch.delenv("GRADIO_ROOT_PATH", raising=False)
    assert url_of("/a/b.js") == "/gradio_api/file=/a/b.js"
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/studio/")
    assert url_of("/a/b.js") == "/studio/gradio_api/file=/a/b.js"


def test_pictures_of_a_map_are_served_from_any_folder_whatever_it_is_called(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADIO_ROOT_PATH", raising=False)
    sheet = tmp_path / "my models #1, 50%?" / "tiny" / "map" / "images.png"
    sheet.parent.mkdir(parents=True)
    Image.new("L", (4, 4)).save(sheet)
    link = tmp_path / "link"
    link.symlink_to(sheet.parents[2])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_StaticFiles, "all_paths", [])
    gr.set_static_paths(served_files(link))
    with gr.Blocks() as blocks:
        client = TestClient(App.create_app(blocks))
    for path in (sheet, link / "tiny" / "map" / "images.png", "link/tiny/map/images.png"):
        assert client.get(url_of(path)).content == sheet.read_bytes()


def test_accounts_are_one_of_the_option_or_those_of_a_file(tmp_path):
    assert accounts("ann:a:b") == [("ann", "a:b")]
    (tmp_path / "who").write_text("# us\nann:one\n\n bob:two words \n")
    assert accounts(str(tmp_path / "who")) == [("ann", "one"), ("bob", "two words")]


@pytest.mark.parametrize("given", ["", "secret", ":secret", "ann:", "FILE"])
def test_wrong_accounts_are_refused_in_a_line_that_tells_no_password(tmp_path, given):
    if given == "FILE":
        (tmp_path / "who").write_text("ann:one\nsecret\n")
        given = str(tmp_path / "who")
    with pytest.raises(ValueError, match="--auth: expected USER:PASSWORD") as caught:
        accounts(given)
    assert "secret" not in str(caught.value)


def test_mcp_is_not_offered_beside_a_password_nor_without_its_package(monkeypatch):
    with pytest.raises(ValueError, match="--mcp: expected it without --auth"):
        launch._check_mcp(True, "ann:secret")
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    launch._check_mcp(False, None)
    with pytest.raises(ValueError, match="--mcp: expected the package mcp"):
        launch._check_mcp(True, None)


def test_at_the_end_the_running_step_ends_and_no_other_begins(app):
    """The last test of this file: the app is gone afterwards."""
    url, page, painter = app
    with httpx.Client(base_url=url) as client:
        client.post("/login", data=WHO)
        body = {"fn_index": 0, "data": [1000], "session_hash": "s"}
        assert client.post("/gradio_api/queue/join", json=body).status_code == 200
        latest = time.monotonic() + 30
        while not painter.steps and time.monotonic() < latest:
            time.sleep(0.01)
        end(page)
    assert painter.closed == 1 and 0 < painter.steps < 1000 and not len(page.gate)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/health")
