"""Votes that are shown and no longer taken."""

from __future__ import annotations

from pathlib import Path

from pdm.app.votes import Tally, Vote, Votes

CLOSED = "vote: expected none, this app is read-only"


class ClosedVotes(Votes):
    """Those in a file, if there is one; nothing is written, the file not even made. Raises ValueError as `Votes`."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.count()

    def add(self, vote: Vote) -> None:
        raise ValueError(CLOSED)

    def tallies(self, model: str) -> list[Tally]:
        return super().tallies(model) if self.path.exists() else []

    def count(self) -> int:
        return super().count() if self.path.exists() else 0

    def copy_to(self, path: Path) -> None:
        raise ValueError(CLOSED)
