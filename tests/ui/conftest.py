"""The real app, started once as a visitor would start it, with the models that ship."""

import shutil
import time
import urllib.error
import urllib.request

import pytest
from app_server import free_port, start


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    port, log = free_port(), tmp_path_factory.mktemp("app") / "log.txt"
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as file:
        process = start(port, file, "--device", "cpu", "--votes", str(log.with_name("votes.sqlite")))
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


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("browser tests need Chromium on the PATH: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-background-networking", "--use-gl=angle", "--use-angle=swiftshader",
             "--enable-unsafe-swiftshader"]  # fmt: skip
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
