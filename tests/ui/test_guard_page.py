"""The guard in a real browser: what its policy lets the page do, who may frame it, and toasts without markup."""

import http.server
import threading

import pytest

from tests.ui.map_page import choose

MARKUP = "<img src=/gradio_api/no.png>"


@pytest.fixture
def page(app_url, browser):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def stranger(app_url):
    """A server of another origin whose page frames the app."""

    class Framing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe src='{app_url}/' width=900 height=700></iframe>".encode())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Framing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_policy_takes_nothing_from_the_page(app_url, page):
    broken = []
    page.add_init_script("addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.blockedURI))")
    page.on("console", lambda m: broken.append(m.text) if m.type == "error" else None)
    page.goto(f"{app_url}/#generate")
    page.wait_for_selector("#made .cell", timeout=60_000)
    for name in ("Prototypes", "Compare", "Judge", "Results", "Generate"):
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(800)
    page.locator("#generate").click()
    page.wait_for_function("/ in [0-9.]+ s/.test(document.querySelector('#generate-status').innerText)", timeout=60_000)
    assert broken == []


def test_a_stranger_cannot_frame_the_page(stranger, page):
    said = []
    page.on("console", lambda m: said.append(m.text))
    page.goto(stranger)
    page.wait_for_timeout(3000)
    assert any("frame-ancestors" in text for text in said)
    assert page.frames[1].query_selector("gradio-app, #tabs") is None


def test_a_name_in_a_toast_is_text(app_url, page):
    asked, refused = [], []

    def busy_once(route):  # the opening is asked for again, or nothing below would be there
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, json={"detail": "Queue is full."})

    page.route("**/queue/join*", busy_once)
    page.on("request", lambda r: asked.append(r.url))
    page.goto(f"{app_url}/#generate")
    page.wait_for_selector("#made .cell", timeout=60_000)
    assert len(refused) == 1
    page.unroute("**/queue/join*")
    page.get_by_role("tab", name="Prototypes", exact=True).click()
    page.click("#drawer")
    choose(page, "Boot 1")  # with its title comes its name in the field
    name = page.locator("#rename textarea, #rename input").first
    name.fill(MARKUP + " \u202e")  # no name: it turns the writing round
    name.press("Enter")
    toast = page.wait_for_selector(".toast-body, [data-testid=toast-body]", timeout=30_000)
    assert MARKUP in toast.inner_text()
    page.wait_for_timeout(500)
    assert not [url for url in asked if "no.png" in url]
