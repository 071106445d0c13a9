"""The real app, started once as a visitor would start it, with the models that ship."""

import shutil

import pytest

from tests.ui.app_server import started_app


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    with started_app(tmp_path_factory.mktemp("app")) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("browser tests need Chromium on the PATH: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    flags = [
        "--no-sandbox",
        "--disable-background-networking",
        "--use-gl=angle",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
    ]
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
