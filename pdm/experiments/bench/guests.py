"""Visitors who come with a real client, beside the simulated ones: a browser each, and the Python client of Gradio."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from pdm.experiments.bench.browser import CLICK, LIMIT, READY, STARS, browser_page
from pdm.experiments.bench.visitor import COUNT, Answer, pixels

if TYPE_CHECKING:
    from gradio_client import Client
    from playwright.sync_api import ConsoleMessage, Page

FIRST_SEED = 10**6  # of those who come with the Python client: no simulated visitor has such ones
TITLE = "() => document.querySelector('#star-title').innerText"
ANOTHER_TITLE = f"before => ({TITLE})() !== before"
PAIR = "document.querySelector('#blind-left .pictures').style.getPropertyValue('--sheet')"
NEW_PAIR = f"before => !['', 'none', before].includes({PAIR}) && !document.querySelector('#vote-left').disabled"


def timed(what: str, do: Callable[[], object]) -> Answer:
    """How long it took, and what went wrong; a refusal is wrong as well, as nobody who thinks gets one."""
    started = time.perf_counter()
    try:
        do()
    except Exception as error:  # a client has many kinds of its own; whichever it is counts
        return Answer(what, time.perf_counter() - started, error=f"{type(error).__name__}: {error}"[:200])
    return Answer(what, time.perf_counter() - started)


class ClientGuest:
    """Asks the public endpoints by `gradio_client`. Enter it in the thread that uses it."""

    client: Client

    def __init__(self, url: str, number: int):
        self.url, self.number, self.edited = url, number, False
        self.got: list[np.ndarray] = []
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> ClientGuest:
        from gradio_client import Client

        self.client = Client(self.url, download_files=self.folder.name, verbose=False)
        return self

    def __exit__(self, *error) -> None:
        self.client.close()
        self.folder.cleanup()

    def again(self) -> ClientGuest:
        return ClientGuest(self.url, self.number)

    def generate(self) -> Iterator[Answer]:
        yield timed("generate", self._generate)

    def _generate(self) -> None:
        seed = FIRST_SEED + 1000 * self.number
        files, _ = self.client.predict(count=COUNT, seed=seed, api_name="/generate")
        if not self.edited:  # from then on the same seeds make others
            self.got.append(np.concatenate([pixels(file) for file in files]))

    def edit(self) -> Iterator[Answer]:
        """A prototype of this client's own set is moved."""
        self.edited = True
        move = {"id": self.number % 16, "point": [0.1, 0.2]}
        yield timed("edit", lambda: self.client.predict("move", json.dumps(move), api_name="/edit"))


class BrowserGuest:
    """Uses the page itself, in a Chromium of his own; what its console says of errors counts as well."""

    page: Page

    def __init__(self, url: str, number: int):
        self.url, self.number, self.clicked = url, number, 0
        self.got: list[np.ndarray] = []  # a browser's seeds are drawn by the page: nothing to compare
        self.said: list[str] = []  # by the console
        self.open = ExitStack()

    def __enter__(self) -> BrowserGuest:
        page = self.open.enter_context(browser_page("visitors"))
        if page is None:
            raise ValueError("visitors: expected a browser, got none")
        self.page = page
        page.set_default_timeout(LIMIT)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(f"{self.url}/#generate")
        page.wait_for_selector("#made .cell")
        return self

    def __exit__(self, *error) -> None:
        self.open.close()

    def again(self) -> BrowserGuest:
        return BrowserGuest(self.url, self.number)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def _done(self, what: str, do: Callable[[], object]) -> Iterator[Answer]:
        yield timed(what, do)
        yield from (Answer("console", 0.0, error=text[:200]) for text in self.said)
        self.said.clear()

    def _tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def generate(self) -> Iterator[Answer]:
        self._tab("Generate")
        yield from self._done("generate", lambda: self.page.evaluate(CLICK))

    def star(self) -> Iterator[Answer]:
        self._tab("Prototypes")
        self.page.wait_for_function(READY)
        self.page.evaluate("() => document.querySelector('#map').scrollIntoView({block: 'center'})")
        self.clicked += 1
        yield from self._done("star", self._star)

    def _star(self) -> None:
        before, stars = self.page.evaluate(TITLE), self.page.evaluate(STARS)
        self.page.mouse.click(*stars[7 * self.clicked % len(stars)])
        self.page.wait_for_function(ANOTHER_TITLE, arg=before)

    def vote(self) -> Iterator[Answer]:
        self._tab("Judge")
        yield from self._done("vote", self._vote)

    def _vote(self) -> None:
        before = self.page.evaluate(PAIR)
        self.page.locator("#blind-next").click()
        self.page.wait_for_function(NEW_PAIR, arg=before)  # the tab opens with one, too
        self.page.locator("#vote-left").click()
        self.page.get_by_text("You said: left is better").wait_for()
