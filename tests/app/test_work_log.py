"""The lines of the log: one a painting, with what it was and how it ended, and nothing of whom it was for."""

import io
import json

import pytest

from pdm.app import painting
from pdm.app.requests import Request, resolved
from pdm.app.work_log import written


@pytest.fixture
def lines():
    """Works inside the `with` are logged; calling it afterwards gives the lines."""
    stream = io.StringIO()

    def read() -> list[dict]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return stream, read


def test_a_painting_is_a_line_of_json(studio, lines):
    stream, read = lines
    with written(stream):
        list(painting.run(studio, resolved(studio, Request("pdm", count=2, seed=77, steps=3))))
        painting.explained(studio, resolved(studio, Request("pdm", count=2, seed=77, steps=2)), 1)
    first, second = read()
    assert set(first) == {"time", "event", "model", "pictures", "steps", "seconds", "outcome"}
    assert first["seconds"] > 0 and first["time"].endswith("+00:00")
    said = [tuple(line[k] for k in ("event", "model", "pictures", "steps", "outcome")) for line in (first, second)]
    assert said == [("painting", "tiny", 2, 3, "done"), ("explanation", "tiny", 1, 2, "done")]


def test_it_says_who_stopped_and_what_failed(studio, lines, monkeypatch):
    stream, read = lines
    with written(stream):
        steps = painting.run(studio, resolved(studio, Request("pdm", count=1, steps=4)))
        next(steps)
        steps.close()
        monkeypatch.setattr(painting, "_RUN", lambda *_: iter(1 / 0 for _ in [1]))
        with pytest.raises(ZeroDivisionError):
            list(painting.run(studio, resolved(studio, Request("pdm", count=1, steps=4))))
    assert [line["outcome"] for line in read()] == ["stopped", "ZeroDivisionError"]


def test_a_library_writes_no_lines(studio, capfd):
    list(painting.run(studio, resolved(studio, Request("pdm", count=1, steps=1))))
    assert capfd.readouterr() == ("", "")
