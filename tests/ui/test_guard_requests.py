"""What the server takes from strangers: hosts, origins, sizes, JSON, and the headers of its answers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pdm.ui.guard import quick
from pdm.ui.guard.bodies import check_body
from pdm.ui.guard.hosts import Hosts, served_hosts
from pdm.ui.guard.quick import QuickTurns
from pdm.ui.guard.visitors import address_of
from tests.ui.guarded_app import Painter, build, new_gate, served

# Gradio, served in this process, leaves loops and sockets open, and pandas finds its options old.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def painter():
    return Painter()


@pytest.fixture(scope="module")
def page(painter):
    page = build(painter, new_gate())
    page.quick = QuickTurns(running=4)
    return page


@pytest.fixture(scope="module")
def url(page):
    with served(page) as url:
        yield url


def test_hosts_of_an_app_at_home(monkeypatch):
    monkeypatch.setenv("PDM_HOSTS", "art.example.org, *.lab.example")
    hosts = served_hosts("127.0.0.1")
    ours = ["localhost", "127.0.0.1:7860", "[::1]:7860", "me-app.hf.space", "art.example.org", "a.b.lab.example:80"]
    assert all(map(hosts.serves, [*ours, "LOCALHOST:1", "localhost."]))
    theirs = ["evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "hf.space.evil.com", "10.0.0.5", "", "xhf.space"]
    assert not any(map(hosts.serves, theirs))


def test_an_app_for_the_network_answers_to_addresses_but_not_to_names():
    hosts = served_hosts("0.0.0.0")
    assert hosts.serves("192.168.1.5:7860") and hosts.serves("[fe80::1]:80") and not hosts.serves("evil.com:7860")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:3000", True),
        ("https://me-app.hf.space", True),
        ("https://evil.com", False),
        ("null", False),
        ("file://localhost", False),
    ],
)
def test_origins(origin, expected):
    assert Hosts(["localhost", "*.hf.space"]).serves_origin(origin) == expected


def test_a_visitor_is_known_by_what_he_does_not_choose():
    assert address_of("1.2.3.4", "9.9.9.9", 0) == "1.2.3.4"
    assert address_of("10.0.0.1", "invented, 5.6.7.8", 1) == "5.6.7.8"
    assert address_of("10.0.0.1", "invented, 5.6.7.8, 10.0.0.2", 2) == "5.6.7.8"
    assert address_of("10.0.0.1", None, 1) == "10.0.0.1" and address_of(None, "", 1) == "unknown"


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/nothing/here"])
def test_every_answer_has_the_headers(url, path):
    answer = httpx.get(url + path)
    assert answer.headers["x-content-type-options"] == "nosniff" and "referrer-policy" in answer.headers
    assert "frame-ancestors 'self' https://huggingface.co" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("headers", [{"Host": "evil.com"}, {"X-Forwarded-Host": "evil.com"}])
def test_another_name_gets_nothing(url, headers):
    answer = httpx.get(url + "/config", headers=headers)
    assert answer.status_code == 421 and "components" not in answer.text and "nosniff" in str(answer.headers)


def test_a_page_of_another_origin_gets_nothing(url):
    answer = httpx.post(f"{url}/gradio_api/run/look", json={"data": [None]}, headers={"Origin": "https://evil.com"})
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["proxy=http://example.org/", "file=http://127.0.0.1:1/", "deep_link", "vibe-code"])
def test_what_gradio_could_do_for_strangers_is_closed(url, path):
    assert httpx.get(f"{url}/gradio_api/{path}").status_code == 404


def test_a_large_body_is_refused_while_it_streams(url):
    sent = 0

    def pieces():
        nonlocal sent
        yield b'{"data": ["'
        for _ in range(200):
            sent += 1
            yield b"x" * 1_000_000
            time.sleep(0.01)

    try:
        status = httpx.post(f"{url}/gradio_api/run/look", content=pieces(), timeout=20).status_code
    except httpx.TransportError:  # it was refused, and the connection closed
        status = 413
    assert status == 413 and sent < 100
    assert httpx.post(f"{url}/gradio_api/run/look", content=b"x" * 3_000_000).status_code == 413


def test_too_much_is_not_repeated(url):
    for body in ({"fn_index": 0}, {"data": "x" * 100_000}, {"data": [1], "simple_format": "yes" * 1000}):
        answer = httpx.post(f"{url}/gradio_api/queue/join", json=body)
        assert answer.status_code in (400, 422) and len(answer.text) < 300


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"data": ["\\ud800"]}',
        b'{"data": ["\xed\xa0\x80"]}',
        b'{"data": [], "session_hash": "\\udc00"}',
        b'{"data": [], "session_hash": "a b"}',
        b'{"data": [], "session_hash": "' + b"a" * 65 + b'"}',
        b'{"data": [], "session_hash": {}}',
        b'{"data": [], "fn_index": 99}',
        b'{"data": [], "fn_index": true}',
        b'{"data": [], "fn_index": "0"}',
        b'{"data": [], "trigger_id": []}',
        b'{"data": 5}',
        b"null",
        b"\xff\xfe[\x00]\x00",
        b'{"data": [',
    ],
)
def test_hostile_json_gets_one_line(raw):
    with pytest.raises(ValueError, match=": expected") as caught:
        check_body(raw, range(5))
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    "text", ['{"data": ["\\ud83d\\ude00", "[[[[", {"a": [1]}], "fn_index": 4, "session_hash": "x1"}', "{}", '{"a": 1}']
)
def test_ordinary_json_passes(text):
    check_body(text.encode(), range(5))
    check_body(json.dumps(json.loads(text), ensure_ascii=False).encode(), range(5))


def test_uploads_have_a_number_and_a_size(url, monkeypatch):
    few = [("files", (f"{i}.png", b"x")) for i in range(3)]
    assert len(httpx.post(f"{url}/gradio_api/upload", files=few).json()) == 3
    assert httpx.post(f"{url}/gradio_api/upload", files=few * 10).status_code == 413
    large = {"files": ("large.png", b"x" * 6_000_000)}
    assert httpx.post(f"{url}/gradio_api/upload", files=large).status_code == 413
    codes = [httpx.post(f"{url}/gradio_api/upload", files=few).status_code for _ in range(30)]
    assert 429 in codes and codes[0] == 200


@pytest.mark.parametrize("way", ["run/slow", "queue/join"])
def test_a_flood_is_refused_in_a_line_and_few_are_at_work(url, painter, monkeypatch, way):
    monkeypatch.setattr(quick, "OF_ADDRESS", 8)
    config = httpx.get(f"{url}/config").json()
    fn = next(d["id"] for d in config["dependencies"] if d["api_name"] == "slow")

    def ask(i):
        body = {"fn_index": fn, "data": ["x"], "session_hash": f"{way[:3]}-{i}"}
        return client.post(f"{url}/gradio_api/{way}", json=body)

    painter.most = 0
    with httpx.Client(timeout=20) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(24)))
    codes = [a.status_code for a in answers]
    assert set(codes) == {200, 429} and 0 < painter.most <= 4
    assert next(a for a in answers if a.status_code == 429).json()["detail"].startswith("requests: expected at most")


def test_the_page_knows_what_it_opens_with(url):
    config = httpx.get(f"{url}/config").json()
    number = next(d["id"] for d in config["dependencies"] if any(event == "load" for _, event in d["targets"]))
    assert f'const opening = {{"{number}": [0]}};\nconst most = 2000000;' in config["head"]
    assert "window.fetch = " in config["head"] and config["head"].count("</script>") == 1


def test_nothing_is_summed_up_after_each_event(url, page):
    page._queue.events_recorded += 1
    record = {"function": "slow", "status": "success", "process_time": 1.0}
    assert page._queue.compute_analytics_summary([record]) == {"functions": {}}
