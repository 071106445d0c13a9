"""The folder of a Space, started as the hub starts it: without options, with little that it may write to."""

import os
import shutil
import signal
import subprocess
import sys
import time

import httpx
import pytest

from pdm.map.projection import save_map
from tests.command_line import call, tree
from tests.ui.app_server import START, free_port
from tests.ui.conftest import watch
from tests.ui.page import WAIT, WIDE


@pytest.fixture(scope="module")
def folder(saved, prototype_map, tmp_path_factory):
    """A Space of one tiny model."""
    folder = tmp_path_factory.mktemp("space")
    shutil.copytree(saved, folder / "assets" / "tiny")
    save_map(prototype_map, folder / "assets" / "tiny" / "map")
    assert call("space", folder / "app", "--assets", folder / "assets") == 0
    return folder / "app"


@pytest.fixture(scope="module")
def space(folder, tmp_path_factory):
    """(address, process, its home): behind the path prefix /studio, as the Space me/studio."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    ours = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "HF_HUB_OFFLINE")}
    hubs = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "SPACE_ID": "me/studio"}
    places = {"HOME": str(home), "TMPDIR": str(home), "GRADIO_ROOT_PATH": "/studio", "PYTHONDONTWRITEBYTECODE": "1"}
    with (home / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=folder, env=ours | hubs | places, stdout=log, stderr=subprocess.STDOUT
        )
    latest, url = time.monotonic() + START, f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/health").raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < latest, (home / "log.txt").read_text()
                time.sleep(0.2)
        yield url, process, home
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_browser_sees_the_page_behind_the_path_prefix(space, browser):
    trouble: list[str] = []
    page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    watch(page, trouble)
    page.goto(f"{space[0]}/studio/#generate")
    page.wait_for_selector("#made .cell", timeout=WAIT)
    page.get_by_role("tab", name="Prototypes").click()
    page.wait_for_function("() => window.Plotly !== undefined", timeout=WAIT)
    page.close()
    assert trouble == []


@pytest.mark.slow
def test_it_serves_under_the_hubs_name_and_ends_with_0_having_written_nothing_beside_its_code(folder, space):
    url, process, home = space
    before = tree(folder)
    hub = {"Host": "me-studio.hf.space", "X-Forwarded-For": "192.0.2.7"}
    assert httpx.get(url, headers=hub).status_code == 200
    assert httpx.get(f"{url}/studio/config", headers=hub).json()["root"].endswith("/studio")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert tree(folder) == before and not (folder / "runs").exists()
    assert (home / ".cache" / "pdm" / "votes.sqlite").is_file()
    log = (home / "log.txt").read_text()
    assert '"event": "painting", "model": "tiny"' in log and "Traceback" not in log and "192.0.2.7" not in log
