"""The real app, started once as a visitor would start it, with the models that ship, and one browser to visit it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlparse

import pytest

from tests.ui.app_server import App, shared_app
from tests.ui.map_page import open_map
from tests.ui.page import WAIT, WIDE

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--use-gl=angle",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def pytest_collection_modifyitems(items):
    """Where nobody watches, a test in a browser has a second try: two cores paint, serve and draw for all of them.

    The report counts those that needed it. By hand a test fails at its first fault, so that its cause is found.
    """
    if os.environ.get("CI"):
        for item in items:
            if item.path.is_relative_to(os.path.dirname(__file__)) and "browser" in item.fixturenames:
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[App]:
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the whole run
    (folder / "app").mkdir(exist_ok=True)
    with shared_app(folder / "app") as app:
        yield app


@pytest.fixture(scope="session")
def app_url(app) -> str:
    return app.url


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("browser tests need Chromium on the PATH: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def watch(page, trouble: list[str]) -> None:
    """Note what goes wrong in the console, and every request to another host. A reload cuts off what is on its way."""
    left = False  # the page is being left, and the next document is not there yet

    def note(kind: str, text: str) -> None:
        cut_off = "AbortError" in text or (left and "Connection errored out" in text)
        if kind == "error" and not cut_off:
            trouble.append(text)

    def leave(here: bool) -> None:
        nonlocal left
        left = here

    page.on("console", lambda m: note(m.type, f"{m.text} {m.location}"))
    page.on("pageerror", lambda e: note("error", f"{e.name}: {e}"))

    def on_request(request):
        url = urlparse(request.url)
        if url.scheme in ("http", "https", "ws") and url.hostname != "127.0.0.1":
            trouble.append(f"request to {request.url[:120]}")
        if request.is_navigation_request() and request.frame == page.main_frame:
            leave(True)

    page.on("request", on_request)
    page.on("domcontentloaded", lambda _: leave(False))


def open_generate(page):
    """The tab that a visit begins on."""
    return page


@contextmanager
def _visits(app_url, browser) -> Iterator[Callable]:
    """Opens the page as a new visitor; at the end nothing may have gone wrong in the console or left the host."""
    contexts, trouble = [], []

    def open_page(viewport=WIDE, scheme="light", address="#generate"):
        # Without the film that moves a star once in a browser: that is for `test_first_minute` to see.
        quiet = {"reduced_motion": "reduce", "accept_downloads": True}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **quiet)
        contexts.append(context)
        page = context.new_page()
        watch(page, trouble)
        page.goto(f"{app_url}/{address}")
        page.wait_for_selector("#made .cell", timeout=WAIT)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def visit(app_url, browser):
    with _visits(app_url, browser) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def long_visit(app_url, browser):
    """The same for pages that the tests of a file share, and those that are there already."""
    with _visits(app_url, browser) as open_page:
        yield open_page, {}


@pytest.fixture
def shared_page(request, long_visit):
    """The page that the tests of a file share, as `opened` leaves it: opening one takes longer than most of them.

    A second try of a test gets a new one: the first may have left it in the middle of anything.
    """
    open_page, pages = long_visit

    def page_of(opened: Callable = open_generate, viewport: dict = WIDE):
        name = (opened, viewport["width"])
        if name not in pages or getattr(request.node, "execution_count", 1) > 1:
            pages[name] = opened(open_page(viewport))
        return pages[name]

    return page_of


@pytest.fixture
def prototypes_tab(visit):
    """Open the page as a new visitor on the Prototypes tab, with its map drawn."""
    return lambda *viewport: open_map(visit(*viewport))
