"""The one line of progress."""

import io
import os
import signal

from pdm.making.line import Line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_parts_of_a_training_run_become_parts_of_one_line(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    stream = Terminal()
    line = Line({"prototypes": 1.0, "denoiser": 9.0, "map": 1.0}, tmp_path / "work" / "log.txt", stream)
    run = line.of({"prototypes": "prototypes", "denoiser": "denoiser"})
    run.at("prototypes", 0, 60, "step", 0.5)
    run.at("another", 1, 2, "step")  # which no part of the line is for
    line.end("prototypes")
    clock[0] = 60.0
    run.at("denoiser", 0, 9_000, "img")
    clock[0] = 240.0  # a third of the images in 180 seconds, as planned
    run.at("denoiser", 3_000, 9_000, "img")
    run.say("a line")
    line.close()
    shown = stream.getvalue().replace("\033[K", "").strip("\r\n").split("\r")
    assert shown == [
        "[1/3] prototypes: 0 of 60 steps, 11 min left",
        "[2/3] denoiser: 0 of 9,000 images, 10 min left",
        "[2/3] denoiser: 3,000 of 9,000 images, 17 images/s, 7 min left",
    ]
    assert (tmp_path / "work" / "log.txt").read_text().endswith(" a line\n")


def test_minutes_left_follow_the_pace_of_the_work_and_parts_made_before_count_for_nothing(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    line = Line({"prototypes": 5.0, "denoiser": 10.0}, tmp_path / "log.txt", io.StringIO())
    line.skip("prototypes")
    line.at("denoiser", 50, 100, "img")  # it goes on from a checkpoint
    assert line.seconds_left() == 300
    clock[0] = 300.0  # a fifth of it took twice as long as planned
    line.at("denoiser", 75, 100, "img")
    assert line.seconds_left() == 300


def test_the_time_that_a_process_stands_still_is_no_work(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    line = Line({"denoiser": 10.0}, tmp_path / "log.txt", io.StringIO())
    with line.pausable():
        for clock[0], done in ((0.0, 0), (60.0, 10)):
            line.at("denoiser", done, 100, "img")
        assert line.seconds_left() == 540
        clock[0] = 3660.0  # stopped for an hour, and continued
        os.kill(os.getpid(), signal.SIGCONT)
        assert line.seconds_left() == 540
    assert signal.getsignal(signal.SIGCONT) == signal.SIG_DFL
