"""Votes of a read-only app: shown, and no longer taken."""

import pytest

from pdm.app.votes import Vote, Votes
from pdm.app.votes_closed import ClosedVotes

VOTE = Vote("p", "tiny", "pdm", "rdm", "left", "v")


def test_earlier_votes_are_counted_and_no_other_is_taken(tmp_path):
    path = tmp_path / "votes.sqlite"
    Votes(path).add(VOTE)
    before = path.read_bytes()
    closed = ClosedVotes(path)
    with pytest.raises(ValueError, match="vote: expected none, this app is read-only"):
        closed.add(VOTE)
    assert closed.count() == 1 and closed.tallies("tiny")[0].first_wins == 1
    assert path.read_bytes() == before


def test_no_file_is_made(tmp_path):
    closed = ClosedVotes(tmp_path / "none" / "votes.sqlite")
    assert closed.count() == 0 and closed.tallies("tiny") == [] and not list(tmp_path.iterdir())


def test_another_kind_of_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "votes.sqlite").write_text("no votes" * 200)
    with pytest.raises(ValueError, match="votes: expected an SQLite file .*, got another kind of file"):
        ClosedVotes(tmp_path / "votes.sqlite")
