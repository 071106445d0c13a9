"""Raw requests to every event that the page itself names, with whatever a stranger may think of: one line each."""

import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pdm.experiments.bench import hostile_requests
from pdm.experiments.bench.hostile_requests import (
    MOST,
    SECRET,
    STATUSES,
    TELLTALE,
    answers,
    events,
    fault,
    jobs_with_files,
    jobs_with_values,
    strange_paths,
)
from tests.ui.app_server import started_app

PATIENCE = 20.0  # seconds for any answer; ten are enough where the tests have the machine to themselves


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
def paths(tmp_path_factory, app_url):
    with strange_paths(tmp_path_factory.mktemp("private"), app_url) as paths:
        yield paths


def check(found):
    for status, text in found:
        assert status in STATUSES, status
        if status != 200 or '"success":false' in text:
            assert not TELLTALE.search(text), text[:500]
            assert len(text) < MOST, text[:500]
        assert SECRET not in text


def everywhere(app_url, jobs):
    """Send jobs in a few threads; a hang is an error of the client's."""

    def one(numbered):
        k, job = numbered
        check(answers(http, app_url, job, f"hostile-{os.getpid()}-{k}"))

    with httpx.Client(timeout=PATIENCE) as http, ThreadPoolExecutor(12) as pool:
        return len(list(pool.map(one, enumerate(jobs))))


@pytest.mark.slow
def test_no_event_reads_a_file_that_was_not_uploaded(app_url, config, paths):
    assert everywhere(app_url, jobs_with_files(events(config), paths)) > 100


@pytest.mark.slow
def test_no_event_is_upset_by_wrong_values(app_url, config):
    assert everywhere(app_url, jobs_with_values(events(config))) > 100
    assert httpx.get(app_url, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (200, "pictures", None),
        (422, '{"detail": "seed: expected a whole number, got 1.5"}', None),
        (500, 'Traceback (most recent call last): File "a"', "dumps"),
        (200, '{"success":false, "error": "/home/me/a.png"}', "dumps"),
        (418, "", "dumps"),
        (400, "x" * MOST, "dumps"),
        (200, SECRET, "files"),
    ],
)
def test_the_benchmark_tells_what_is_wrong_with_an_answer(status, text, kind):
    assert fault(status, text) == kind


def test_the_benchmark_counts_an_event_that_never_ends_and_one_that_says_too_much(monkeypatch):
    def answer(request):
        if request.url.path.endswith("/data"):
            return httpx.Response(200, text="data: heartbeat\n" * 3)
        return httpx.Response(500 if "/run/" in request.url.path else 200, text="Traceback")

    monkeypatch.setattr(hostile_requests, "PATIENCE", -1.0)
    client = httpx.Client
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(hostile_requests.httpx, "Client", lambda **options: client(transport=transport))
    statuses, faults = hostile_requests.ask("http://app", [(0, "a", [], None)])
    assert statuses == {500: 1, 200: 1} and [said.partition(":")[0] for said in faults] == ["dumps", "hangs"]
