"""The app in a frame of the hub's page, as a Space is shown there, in a browser that lets other sites keep nothing."""

import json
import shutil

import pytest

from tests.ui.conftest import FLAGS
from tests.ui.map_page import choose, open_drawer, wait_done
from tests.ui.page import WAIT, WIDE, tab

HUB = "https://huggingface.co/spaces/someone/studio"  # answered by the test: nothing leaves this machine
FRAME = (
    "<iframe src='{}/#generate' width=1360 height=950 sandbox='allow-scripts allow-forms allow-same-origin'></iframe>"
)
NOTHING_KEPT = {"profile": {"block_third_party_cookies": True, "cookie_controls_mode": 1}}
DENIED = "() => { try { return sessionStorage.length } catch (error) { return error.name } }"


@pytest.fixture
def frame(app_url, browser, tmp_path):
    """The app's frame; at the end nothing may have gone wrong in it."""
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(NOTHING_KEPT))  # which a context can't be given
    strict = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=FLAGS, viewport=WIDE
    )
    strict.grant_permissions(["local-network-access"])  # or a page of the web may not show one of this machine
    page, trouble = strict.pages[0], []
    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.route(HUB, lambda route: route.fulfill(content_type="text/html", body=FRAME.format(app_url)))
    page.goto(HUB)
    yield page.frames[1]
    strict.close()
    assert trouble == []


def test_a_page_that_the_hub_frames_paints_and_edits_though_it_may_keep_nothing(frame):
    assert frame.evaluate(DENIED) == "SecurityError"
    frame.wait_for_selector("#made .cell", timeout=WAIT)
    assert frame.locator("#made .cell").count() == 16
    tab(frame, "Prototypes")
    open_drawer(frame)
    choose(frame, "Bag 1")
    frame.click("#mute")
    wait_done(frame, "^muted Bag 1")
    frame.wait_for_function("localStorage.getItem('prototype-sets')?.length > 100", timeout=WAIT)  # from memory
