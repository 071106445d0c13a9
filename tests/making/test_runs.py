"""Models in the making: a process of their own, found again by its folder, that pauses, goes on and ends when asked."""

import subprocess
import time

import psutil
import pytest

from pdm.app.library import available
from pdm.making import runs as module
from pdm.making.names import FINISH, PLAN
from pdm.making.points import Points, read_points
from pdm.making.runs import DONE, FAILED, LOOKING, PAUSED, PLANNED, RUNNING, STOPPED, Knobs, Runs
from pdm.support.files import write_json


class Sleepers(Runs):
    """Runs whose processes only sleep, each in a session of its own; `asked`: what they were to do."""

    def __init__(self, assets):
        super().__init__(assets)
        self.asked = []

    def begin(self, command, log):
        self.asked.append(command)
        self._children.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
        return self._children[-1].pid


@pytest.fixture
def runs(tmp_path):
    runs = Sleepers(tmp_path)
    yield runs
    for child in runs._children:
        child.kill()
        child.wait()


def end(run):
    psutil.Process(run.about["pid"]).kill()
    while run.process() is not None:
        time.sleep(0.01)


def test_a_run_is_started_paused_found_again_by_another_app_and_gone_on_with_where_it_ended(runs, tmp_path):
    run = runs.look("shapes", str(tmp_path), Knobs(minutes=5, prototypes=6))
    assert runs.asked == [
        ["new", str(run.model), f"--data={tmp_path.resolve()}", "--minutes=5", "--prototypes=6", "--plan"]
    ]
    assert run.state == LOOKING and available(tmp_path) == []
    with pytest.raises(ValueError, match="expected one model at a time, got shapes"):
        runs.look("others", str(tmp_path), Knobs())
    end(run)
    assert run.state == FAILED
    write_json(run.work / PLAN, {})
    assert run.state == PLANNED
    with pytest.raises(ValueError, match="expected a finished model, got 'planned'"):
        runs.put_in_place(run)

    runs.start(run)
    assert run.state == RUNNING and runs.asked[-1][-1] == "--yes"
    runs.pause(run)
    while run.state != PAUSED:
        time.sleep(0.01)
    again = Sleepers(tmp_path)  # as another app finds it
    found = again.current()
    assert (found.name, found.source, found.knobs) == ("shapes", str(tmp_path.resolve()), Knobs(5, None, 6))
    again.go_on(found)
    assert found.state == RUNNING and again.asked == []  # the same process
    end(found)  # a power cut
    assert run.state == STOPPED and run.error == ""
    runs.go_on(run)
    assert run.state == RUNNING and runs.asked[-1] == runs.asked[-2]
    with pytest.raises(ValueError, match="expected another one, got 'shapes', which is being made"):
        end(run)
        runs.look("shapes", str(tmp_path), Knobs())


def test_only_a_denoiser_that_learns_can_have_learned_enough(runs, tmp_path):
    run = runs.look("shapes", str(tmp_path), Knobs())
    for part in ("prototypes", "denoiser"):
        with pytest.raises(ValueError, match="shapes: expected a denoiser that learns, got"):
            runs.finish(run)
        Points(run.work).add(part, 1, 2, "img", left=lambda: 1.0)
    runs.finish(run)
    assert run.finishing and (run.work / FINISH).is_file()


def test_a_finished_model_is_put_among_the_others_unless_one_has_its_name(runs, tmp_path):
    run = runs.look("shapes", str(tmp_path), Knobs())
    end(run)
    runs.start(run)
    end(run)
    for place in (run.work / PLAN, run.model / "README.md", run.model / "pdm" / "model_index.json"):
        write_json(place, {})
    assert run.state == DONE
    (tmp_path / "shapes").mkdir()
    with pytest.raises(ValueError, match="expected one that no model has, got 'shapes'"):
        runs.put_in_place(run)
    (tmp_path / "shapes").rmdir()
    assert runs.put_in_place(run) == "shapes" and runs.current() is None
    assert available(tmp_path) == ["shapes"] and not run.folder.exists()


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
        ("new", "somewhere", Knobs(size=48), "size: expected one of 32, 64, 128, 256, 512, got 48"),
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
    points.levels = lambda: {"sigma < 0.05": 9.0}  # of another part
    for done in range(100):
        points.add("denoiser", done, 100, "img", 2.0 if done % 10 == 0 else None, left=lambda: 60.0)
    points.used = (5, 8)
    monkeypatch.setattr(points, "_last", -1e9)
    points.levels = lambda: {"sigma < 0.05": 0.5, "sigma > 3": float("nan")}
    points.add("denoiser", 100, 100, "img", left=lambda: 2.0)
    points.add("map", 0, 2, "step", float("nan"), left=lambda: 1.0)
    with open(points.path, "a") as file:
        file.write('{"part": "ma')
    first, last, second = read_points(tmp_path)
    assert first["levels"] == second["levels"] == {} and last["levels"] == {"sigma < 0.05": 0.5}
    assert (first["part"], first["done"], first["loss"], first["used"]) == ("denoiser", 0, 2.0, None)
    assert (second["part"], second["loss"], second["used"]) == ("map", None, [5, 8])
    assert read_points(tmp_path / "none") == []
