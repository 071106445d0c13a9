"""Blind votes: counted right, one a pair, none lost."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pdm.app.votes import PER_MINUTE, Tally, Vote, Votes


def vote(pair: str = "p", choice: str = "left", left: str = "pdm", right: str = "rdm", visitor: str = "v") -> Vote:
    return Vote(pair, "fashion-mnist", left, right, choice, visitor)


@pytest.fixture
def votes(tmp_path):
    return Votes(tmp_path / "deep" / "votes.sqlite")


def test_a_method_wins_whichever_side_it_was_shown_on(votes):
    votes.add(vote("a", "left"))
    votes.add(vote("b", "right", left="rdm", right="pdm"))
    votes.add(vote("c", "right"))
    votes.add(vote("d", "tie"))
    votes.add(vote("e", "both bad", left="rdm", right="pdm"))
    votes.add(vote("f", "left", right="unconditional"))
    assert votes.tallies("fashion-mnist") == [
        Tally("pdm", "rdm", first_wins=2, second_wins=1, ties=1, both_bad=1),
        Tally("pdm", "unconditional", first_wins=1, second_wins=0, ties=0, both_bad=0),
    ]
    assert votes.tallies("eurosat") == []


def test_the_interval_is_wilsons():
    share, low, high = Tally("pdm", "rdm", 15, 5, 3, 1).rate
    z, n, p = 1.959964, 20, 0.75
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert (share, low, high) == pytest.approx((p, middle - half, middle + half), abs=1e-6)
    assert Tally("pdm", "rdm", 0, 0, 3, 1).rate == (0.5, 0.0, 1.0)


def test_a_pair_is_voted_on_once(votes):
    votes.add(vote("a", "left"))
    with pytest.raises(ValueError, match="expected one for each pair, got a second"):
        votes.add(vote("a", "right", visitor="another"))
    assert votes.tallies("fashion-mnist") == [Tally("pdm", "rdm", 1, 0, 0, 0)]


def test_a_visitor_cannot_flood_and_others_still_vote(votes):
    for i in range(PER_MINUTE):
        votes.add(vote(f"{i}"))
    with pytest.raises(ValueError, match=f"at most {PER_MINUTE} a minute"):
        votes.add(vote("one more"))
    votes.add(vote("another's", visitor="w"))
    assert votes.tallies("fashion-mnist")[0].first_wins == PER_MINUTE + 1


def test_twenty_writers_at_once_lose_nothing(votes):
    def write(writer: int) -> None:
        own = Votes(votes.path)
        for i in range(PER_MINUTE):
            own.add(vote(f"{writer}-{i}", visitor=f"{writer}"))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(20)))
    assert votes.tallies("fashion-mnist")[0].first_wins == 20 * PER_MINUTE


def test_votes_survive_a_restart(votes):
    votes.add(vote())
    assert Votes(votes.path).tallies("fashion-mnist") == [Tally("pdm", "rdm", 1, 0, 0, 0)]


def test_what_is_no_vote_is_refused():
    with pytest.raises(ValueError, match="choice: expected one of left, right, tie, both bad, got 'up'"):
        vote(choice="up")
    with pytest.raises(ValueError, match="expected two methods, got 'pdm' twice"):
        replace(vote(), right="pdm")


def test_another_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "votes.sqlite"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(ValueError, match="expected an SQLite file that can be written"):
        Votes(path)
    assert path.read_bytes() == b"no database" * 200


def test_a_file_of_a_later_version_is_refused(votes):
    with sqlite3.connect(votes.path) as db:
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(ValueError, match="expected a file of version 1, got 7"):
        Votes(votes.path)
