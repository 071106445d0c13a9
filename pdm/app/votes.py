"""Blind votes between two methods: kept in SQLite, counted as win rates with 95 % intervals."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from pdm.support.checks import shown

CHOICES = ("left", "right", "tie", "both bad")
PER_MINUTE = 20  # votes of one visitor
WORDS = {  # by what SQLite's message says
    "locked": "one that another program keeps to itself; try again in a minute",
    "full": "a full disk; free some space",
    "readonly": "one that may only be read",
    "unable to open": "one that cannot be opened",
    "not a database": "another kind of file",
    "malformed": "a damaged one",
    "disk I/O": "a disk that fails or is full",
}
WAIT = 20.0  # seconds that a vote waits for others that are being written
VERSION = 1  # of the table's layout
TABLE = """
CREATE TABLE IF NOT EXISTS votes (
  pair TEXT PRIMARY KEY, model TEXT NOT NULL, left_method TEXT NOT NULL, right_method TEXT NOT NULL,
  choice TEXT NOT NULL, visitor TEXT NOT NULL, at REAL NOT NULL
)
"""
COLUMNS = ["pair", "model", "left_method", "right_method", "choice", "visitor", "at"]


@dataclass(frozen=True)
class Vote:
    """What one visitor said of one pair; `pair` is the key of what was shown and can be voted on once."""

    pair: str
    model: str
    left: str
    right: str
    choice: str
    visitor: str

    def __post_init__(self):
        if self.choice not in CHOICES:
            raise ValueError(f"choice: expected one of {', '.join(CHOICES)}, got {shown(self.choice)}")
        if self.left == self.right:
            raise ValueError(f"vote: expected two methods, got {shown(self.left)} twice")


@dataclass(frozen=True)
class Tally:
    """Votes between two methods, in alphabetical order: how often each was preferred, and how often neither."""

    first: str
    second: str
    first_wins: int
    second_wins: int
    ties: int
    both_bad: int

    @property
    def decided(self) -> int:
        return self.first_wins + self.second_wins

    @property
    def rate(self) -> tuple[float, float, float]:
        """The first's share of the decided votes with its 95 % interval (Wilson): share, low, high."""
        if not self.decided:
            return 0.5, 0.0, 1.0
        return self.first_wins / self.decided, *wilson(self.first_wins, self.decided)


def wilson(wins: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) for a share of `wins` in `total` > 0. Wilson 1927, written out: SciPy takes a second."""
    z, share = NormalDist().inv_cdf(0.5 + confidence / 2), wins / total
    middle = share + z**2 / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    whole = 1 + z**2 / total
    low = 0.0 if wins == 0 else (middle - half) / whole
    high = 1.0 if wins == total else (middle + half) / whole
    return low, high


class Votes:
    """The votes in a SQLite file. Any number of threads and processes may write at once: they wait for each other."""

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"votes {path}: expected a folder that can be written, got {error.strerror}") from error
        try:
            with self._open() as db:
                self._check(db)
                db.execute(TABLE)
                db.execute(f"PRAGMA user_version = {VERSION}")
        except VotesError as error:
            raise ValueError(str(error).replace("votes:", f"votes {path}:", 1)) from error

    def _check(self, db: sqlite3.Connection) -> None:
        """Raise ValueError for a file of another version, of other tables, or damaged, before anything is written."""
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise ValueError(f"votes {self.path}: expected a file of version {VERSION}, got {version}")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        columns = [row[1] for row in db.execute("PRAGMA table_info(votes)")]
        if tables - {"votes"} or (tables and columns != COLUMNS):
            raise ValueError(f"votes {self.path}: expected a file of votes, got one of another program")
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise ValueError(f"votes {self.path}: expected a whole file, got a damaged one; put it aside")

    def add(self, vote: Vote) -> None:
        """Keep a vote. Raises ValueError for a second one on the same pair, or more than `PER_MINUTE` of a visitor."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")  # nobody else writes between the count and the vote
            now = time.time()
            recent = db.execute(  # votes of the future are from before the clock was set back
                "SELECT count(*) FROM votes WHERE visitor = ? AND at > ? AND at <= ?", (vote.visitor, now - 60, now)
            ).fetchone()[0]
            if recent >= PER_MINUTE:
                raise ValueError(f"vote: expected at most {PER_MINUTE} a minute, got one more; wait a little")
            try:
                db.execute(
                    "INSERT INTO votes (pair, model, left_method, right_method, choice, visitor, at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (vote.pair, vote.model, vote.left, vote.right, vote.choice, vote.visitor, now),
                )
            except sqlite3.IntegrityError as error:
                raise ValueError("vote: expected one for each pair, got a second; ask for the next pair") from error

    def tallies(self, model: str) -> list[Tally]:
        """The counts of each pair of methods that was voted on."""
        with self._open() as db:
            rows = db.execute(
                "SELECT left_method, right_method, choice, count(*) FROM votes WHERE model = ? GROUP BY 1, 2, 3",
                (model,),
            ).fetchall()
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for left, right, choice, count in rows:
            first, second = sorted((left, right))
            winner = {"left": left, "right": right}.get(choice, choice)
            of_pair = counts.setdefault((first, second), {})
            of_pair[winner] = of_pair.get(winner, 0) + count
        return [
            Tally(*pair, *(of_pair.get(key, 0) for key in (*pair, "tie", "both bad")))
            for pair, of_pair in sorted(counts.items())
        ]

    def count(self) -> int:
        with self._open() as db:
            return db.execute("SELECT count(*) FROM votes").fetchone()[0]

    def copy_to(self, path: Path) -> None:
        """Write the votes of this moment to another file."""
        with self._open() as db, closing(sqlite3.connect(path)) as copy:
            db.backup(copy)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each use; what is written stays only where nothing was raised.

        What SQLite has against the file becomes a ValueError for a visitor's eyes: it names no path.
        """
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as db, db:
                yield db
        except sqlite3.Error as error:
            raise VotesError(f"votes: expected an SQLite file that can be written, got {_what(error)}") from error


class VotesError(ValueError):
    """The file of votes takes none or gives none at the moment."""


def _what(error: sqlite3.Error) -> str:
    """What is the matter with the file, in words; SQLite's own where they are others."""
    text = str(error)
    return next((said for part, said in WORDS.items() if part in text), text)
