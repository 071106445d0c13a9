"""A file of votes that is damaged, foreign, locked or full, and a clock that goes back: one true line each."""

import os
import sqlite3
from contextlib import closing

import pytest

from pdm.app import votes as module
from pdm.app.votes import PER_MINUTE, Vote, Votes


def vote(pair: str, visitor: str = "v") -> Vote:
    return Vote(pair, "fashion-mnist", "pdm", "rdm", "left", visitor)


@pytest.fixture
def votes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAIT", 0.01)
    return Votes(tmp_path / "votes.sqlite")


def line(run, *arguments) -> str:
    with pytest.raises(ValueError) as caught:
        run(*arguments)
    text = str(caught.value)
    assert text.startswith("votes") and ": expected " in text and ", got " in text and "\n" not in text
    return text


def refused(votes: Votes) -> str:
    """What the voter reads, who is told no path."""
    text = line(votes.add, vote("x" * 400))
    assert str(votes.path.parent) not in text and "sqlite3" not in text
    return text


def test_a_file_of_another_program_is_refused_at_start_and_left_alone(tmp_path):
    path = tmp_path / "notes.sqlite"
    for table in ("CREATE TABLE notes (text TEXT)", "CREATE TABLE votes (a INT)"):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(table)
        before = path.read_bytes()
        assert "got one of another program" in line(Votes, path)
        assert path.read_bytes() == before


def test_a_damaged_file_is_refused_at_start(votes):
    with closing(sqlite3.connect(votes.path)) as db, db:
        rows = [(f"pair {i}" * 10, "fashion-mnist", "pdm", "rdm", "left", "v", 0.0) for i in range(300)]
        db.executemany("INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    raw = bytearray(votes.path.read_bytes())
    raw[4096 * 2 : 4096 * 5] = b"\xff" * 4096 * 3
    votes.path.write_bytes(raw)
    assert "damaged" in line(Votes, votes.path)
    assert line(votes.tallies, "fashion-mnist").endswith("got a damaged one")


def test_a_locked_file_is_said_at_start_and_to_the_voter(votes):
    with closing(sqlite3.connect(votes.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "another program keeps to itself" in refused(votes)
        assert "another program keeps to itself" in line(Votes, votes.path)
    votes.add(vote("x"))


def test_a_full_disk_is_said_to_the_voter_and_earlier_votes_stay(votes, monkeypatch):
    votes.add(vote("first"))
    connect = sqlite3.connect

    def full(*args, **kwargs):
        db = connect(*args, **kwargs)
        db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(module.sqlite3, "connect", full)
    with pytest.raises(ValueError):
        for i in range(100):
            votes.add(vote(f"pair {i}" * 40, visitor=f"{i}"))
    assert "full disk" in refused(votes)
    monkeypatch.undo()
    assert votes.count() == 1 + i


def test_what_cannot_be_opened_or_written_is_said(votes, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "cannot be opened" in line(Votes, folder)
    os.mkfifo(tmp_path / "pipe")
    line(Votes, tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    assert "File exists" in line(Votes, tmp_path / "file" / "votes.sqlite")
    connect = sqlite3.connect
    read_only = f"file:{votes.path}?mode=ro"  # root writes whatever its mode
    monkeypatch.setattr(module.sqlite3, "connect", lambda path, timeout: connect(read_only, uri=True))
    assert "only be read" in refused(votes)
    assert "only be read" in line(Votes, votes.path)


def test_a_clock_that_is_set_back_locks_nobody_out(votes, monkeypatch):
    now = 1e9
    monkeypatch.setattr(module.time, "time", lambda: now)
    for i in range(PER_MINUTE):
        votes.add(vote(f"{i}"))
    with pytest.raises(ValueError, match="a minute"):
        votes.add(vote("one more"))
    now -= 3600
    votes.add(vote("one more"))
    for i in range(1, PER_MINUTE):
        votes.add(vote(f"again {i}"))
    with pytest.raises(ValueError, match="a minute"):
        votes.add(vote("too many"))
