"""Models in the making: a process of their own, found again by its folder, that pauses, goes on and ends when asked."""

import time

import psutil
import pytest

from pdm.app.library import available
from pdm.making import runs as module
from pdm.making.names import WORK
from pdm.making.points import Points, read_points
from pdm.making.runs import DONE, FAILED, PAUSED, PLANNED, RUNNING, STOPPED, Knobs, Runs
from pdm.support.files import write_json
from tests.command_line import class_folders
from tests.tiny_new import ForkedRuns

LIMIT = 90


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("shapes") / "shapes", 10, channels=3)


def wait(runs, *states):
    """The run, once it is in one of these states."""
    until = time.monotonic() + LIMIT
    while (state := runs.current().state) not in states:
        assert time.monotonic() < until and state != FAILED, (state, runs.current().log())
        time.sleep(0.02)
    return runs.current()


def wait_for(held):
    until = time.monotonic() + LIMIT
    while not held():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_a_model_is_planned_made_paused_found_again_finished_early_and_put_among_the_others(shapes, tmp_path):
    runs = ForkedRuns(tmp_path)
    runs.batches = 5_000
    runs.look("shapes", str(shapes), Knobs(minutes=0.01, prototypes=6))
    run = wait(runs, PLANNED)
    assert "6, " in run.found["plan"][1] and " images (bottom " in run.found["found"]
    assert (run.work / "found.png").is_file() and available(tmp_path) == []
    with pytest.raises(ValueError, match="expected a finished model, got 'planned'"):
        runs.put_in_place(run)

    runs.start(run)
    with pytest.raises(ValueError, match="expected one model at a time, got shapes"):
        runs.look("others", str(shapes), Knobs())
    wait_for(lambda: [p for p in run.points if p["part"] == "denoiser" and p["loss"] is not None])
    runs.pause(run)
    assert wait(runs, PAUSED).points[-1]["loss"] is not None
    again = Runs(tmp_path)  # as another app finds it
    assert again.current().state == PAUSED and again.current().source == str(shapes)
    assert again.current().knobs == Knobs(minutes=0.01, prototypes=6)
    seen = run.points[-1]["done"]
    again.go_on(again.current())
    wait_for(lambda: run.points[-1]["done"] > seen)
    assert again.current().state == RUNNING and run.points[-1]["used"][1] == 6

    psutil.Process(run.about["pid"]).kill()  # a power cut; there is no checkpoint yet
    assert wait(runs, STOPPED).error == ""
    runs.go_on(run)
    wait_for(lambda: run.points and run.points[-1]["part"] == "denoiser" and run.points[-1]["done"] < seen)
    runs.finish(run)
    assert wait(runs, DONE).grid() == run.model / "samples.png"
    assert runs.put_in_place(run) == "shapes"
    assert available(tmp_path) == ["shapes"] and runs.current() is None
    assert [path.name for path in (tmp_path / "shapes" / WORK).iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("name", "source", "knobs", "message"),
    [
        ("", "somewhere", Knobs(), "name: expected letters, digits, - and _"),
        ("../up", "somewhere", Knobs(), "name: expected letters, digits, - and _"),
        (".new", "somewhere", Knobs(), "name: expected letters, digits, - and _"),
        ("there", "somewhere", Knobs(), "name: expected one that no model has, got 'there'"),
        ("results", "somewhere", Knobs(), "name: expected one that no model has, got 'results'"),
        ("new", " ", Knobs(), "images: expected a folder, a zip, or a hub id"),
        ("new", "a\nb", Knobs(), "images: expected a folder, a zip, or a hub id"),
        ("new", "somewhere", Knobs(minutes=0), "minutes: expected a number above 0"),
        ("new", "somewhere", Knobs(minutes=float("nan")), "minutes: expected a number above 0"),
        ("new", "somewhere", Knobs(size=48), "size: expected 32 or 64, got 48"),
        ("new", "somewhere", Knobs(prototypes=0), "prototypes: expected a whole number from 1 to"),
        ("new", "somewhere", Knobs(augment="--yes"), "augment: expected one of none, flip, d4"),
    ],
)
def test_wrong_wishes_start_nothing(tmp_path, monkeypatch, name, source, knobs, message):
    monkeypatch.setattr(module.subprocess, "Popen", None)
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match=message):
        Runs(tmp_path).look(name, source, knobs)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_what_a_process_said_last_is_why_it_failed_and_another_process_is_not_taken_for_it(tmp_path):
    runs = Runs(tmp_path)
    folder = runs.place / "shapes"
    folder.mkdir(parents=True)
    own = psutil.Process()
    write_json(folder / "run.json", {"pid": own.pid, "created": own.create_time() - 60, "making": False})
    (folder / "log.txt").write_text("looking\npdm: error: data set 'x': expected images, got none\n")
    run = runs.current()
    assert (run.state, run.error) == (FAILED, "data set 'x': expected images, got none")
    (folder / "run.json").write_text("{")
    assert runs.current().state == FAILED
    runs.discard(runs.current())
    assert runs.current() is None and not folder.exists()


def test_points_are_written_now_and_then_and_read_though_one_is_torn(tmp_path, monkeypatch):
    points = Points(tmp_path)
    for done in range(100):
        points.add("denoiser", done, 100, "img", 2.0 if done % 10 == 0 else None, left=lambda: 60.0)
    points.used = (5, 8)
    points.add("map", 0, 2, "step", float("nan"), left=lambda: 1.0)
    with open(points.path, "a") as file:
        file.write('{"part": "ma')
    first, second = read_points(tmp_path)
    assert (first["part"], first["done"], first["loss"], first["used"]) == ("denoiser", 0, 2.0, None)
    assert (second["part"], second["loss"], second["used"]) == ("map", None, [5, 8])
    assert read_points(tmp_path / "none") == []
