"""The benchmark counts what a kill breaks: commands that lose, tear, double and leave things are planted."""

import json
import os
import time
from pathlib import Path

import pytest

from pdm.experiments.bench.forked import KILLED, LOG, Ended, forked
from pdm.experiments.bench.hostile_kills import begins_no_earlier, keeps_rows
from pdm.experiments.bench.killed import OUT, Command, differences, killed

STEPS, KILLS = 4, 12


def played(work):
    """Runs of `work(path)`, which yields between all that it does: each such step is a "second" of its time."""

    def run(module, arguments, folder, kill_after):
        (folder / OUT).mkdir(exist_ok=True)
        seconds = 0
        for line in work(folder / OUT / "count.json"):
            (folder / LOG).write_text(line)
            seconds += 1
            if kill_after is not None and seconds > kill_after:
                return Ended(KILLED, seconds)
        return Ended(0, seconds)

    return run


def count_of(out: Path) -> int:
    path = out / "count.json"
    return json.loads(path.read_text())["count"] if path.exists() else 0


def counting(path, *, keep=True, part=".count.part"):
    """Counts in a file that is written beside its place; it goes on where it stopped, if it may `keep` that."""
    start = count_of(path.parent) if keep else 0
    for number in range(start, STEPS + 1):
        path.with_name(part).write_text(json.dumps({"count": number, "minutes": time.time()}))
        yield f"denoiser: {start}/{STEPS} ["
        os.replace(path.with_name(part), path)
        yield f"denoiser: {start}/{STEPS} ["


def in_its_place(path):
    for number in range(STEPS):
        path.write_text('{"count": ')
        yield ""
        path.write_text(json.dumps({"count": number}))
        yield ""


def littering(path):
    part = path.with_name(f".{path.name}.{time.time_ns()}")
    part.write_text("{}")
    yield ""
    part.rename(path)
    yield ""


def doubling(path):
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    for number in range(STEPS):
        rows.append(number)
        path.write_text(json.dumps({"rows": rows}))
        yield ""


def kinds(work, tmp_path, **options) -> set[str]:
    found = killed(Command("planted", (), **options), played(work), tmp_path, kills=KILLS)
    assert found.kills == KILLS
    return {fault.kind for fault in found.faults}


TRAINING = {"progress": count_of, "went_on": begins_no_earlier}


def test_a_command_that_keeps_everything_has_no_fault(tmp_path):
    assert kinds(counting, tmp_path, **TRAINING) == set()


def test_a_command_that_begins_anew_after_a_kill_has_lost_something(tmp_path):
    assert kinds(lambda path: counting(path, keep=False), tmp_path, **TRAINING) == {"lost"}


def test_a_file_that_is_written_in_its_place_is_torn(tmp_path):
    assert kinds(in_its_place, tmp_path) == {"torn"}


def test_what_a_kill_leaves_is_counted(tmp_path):
    assert kinds(littering, tmp_path) == {"left"}


def test_rows_that_are_written_twice_are_doubled(tmp_path):
    assert kinds(doubling, tmp_path) == {"doubled"}


def test_half_a_folder_is_torn_and_other_bytes_in_it_are(tmp_path):
    def work(path):
        folder = path.with_name("pipeline")
        folder.mkdir(exist_ok=True)
        for name in ("a.bin", "b.bin"):
            (folder / name).write_bytes(b"half")
            yield ""
            (folder / name).write_bytes(b"whole")
            yield ""

    found = killed(Command("planted", (), folders=("pipeline",)), played(work), tmp_path, kills=KILLS)
    said = " ".join(f"{fault.kind} {fault.where}" for fault in found.faults)
    assert "torn" in said and "pipeline: b.bin missing" in said and "pipeline/b.bin: neither" in said


def test_a_command_that_fails_after_a_kill_has_lost_everything(tmp_path):
    def run(module, arguments, folder, kill_after):
        (folder / OUT).mkdir(exist_ok=True)
        again, mark = (folder / "mark").exists(), (folder / "mark")
        mark.write_text("")
        (folder / LOG).write_text("pdm: error: expected a whole file\n")
        return Ended(KILLED if kill_after is not None else int(again), 1.0)

    found = killed(Command("planted", ()), run, tmp_path, kills=2)
    assert [(f.kind, f.where) for f in found.faults] == [
        ("lost", "planted, run 0: it ends with 1: pdm: error: expected a whole file")
    ]


def test_a_run_may_begin_with_the_plan_that_all_else_follows_from(tmp_path):
    def work(path):
        plan = path.with_name(".making") / "plan"
        if not plan.exists():
            plan.parent.mkdir()
            plan.write_text(str(time.time_ns()))
        path.write_text(json.dumps({"planned": plan.read_text()}))
        yield ""

    assert kinds(work, tmp_path / "by-the-clock") == {"torn"}
    assert kinds(work, tmp_path / "kept", kept=(".making/plan",)) == set()


def test_less_more_and_others_of_a_result_are_told_apart():
    expected = {"a": 1, "b": {"c": [1, 2]}}
    assert list(differences(expected, {"a": 1, "b": {"c": [1, 2]}})) == []
    found = {fault.kind: fault.where for fault in differences(expected, {"b": {"c": [1, 3]}, "d": 1})}
    assert found == {"lost": "a", "torn": "b: c: [1, 3] where [1, 2] belongs", "doubled": "d"}


def test_a_row_that_was_measured_again_was_not_kept(tmp_path):
    (tmp_path / "curves.json").write_text(json.dumps({"curves": {"a": {"rows": [{"batch": 1, "seconds": 2.0}]}}}))
    assert keeps_rows([{"batch": 1, "seconds": 2.0}], tmp_path, "")
    assert not keeps_rows([{"batch": 1, "seconds": 1.0}], tmp_path, "")


# The tests' process has threads of its libraries, which nothing here needs.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_is_killed_and_its_children_with_it(tmp_path):
    def work() -> None:
        child = os.fork() or time.sleep(60)
        Path("child").write_text(str(child))
        time.sleep(60)

    assert forked(work, tmp_path, 0.5).code == KILLED
    stat, ends = Path(f"/proc/{(tmp_path / 'child').read_text()}/stat"), time.monotonic() + 10
    while stat.exists() and stat.read_text().split()[2] != "Z":  # nobody waits for it in a container
        assert time.monotonic() < ends


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_error_is_an_exit_code_and_a_line_in_the_log(tmp_path):
    assert forked(lambda: 1 / 0, tmp_path).code == 1
    assert "ZeroDivisionError" in (tmp_path / LOG).read_text()
    with pytest.raises(ValueError, match="expected planted to work, got: "):
        killed(Command("planted", ()), lambda *_: Ended(1, 0.0), tmp_path / "new", kills=1)
