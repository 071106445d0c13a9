"""What one visitor has said in the blind test, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pdm.support.checks import is_whole
from pdm.ui.shared.wording import SHORT_NAMES, count_of, heading

MAX_KEPT = 100_000  # votes for a method that a browser may have kept


@dataclass(frozen=True)
class OwnVotes:
    """The method that each vote preferred, None where it preferred neither."""

    preferred: tuple[str | None, ...] = ()

    def with_vote(self, choice: str, left: str, right: str) -> OwnVotes:
        """One more: `choice` is one of `pdm.app.votes.CHOICES`, between these methods."""
        return OwnVotes((*self.preferred, {"left": left, "right": right}.get(choice)))

    def to_keep(self) -> dict:
        """What the browser keeps: how often each method was preferred."""
        counts = Counter(method for method in self.preferred if method)
        return {"preferred": dict(counts), "neither": self.preferred.count(None)}

    @classmethod
    def from_kept(cls, kept: object) -> OwnVotes:
        """The inverse of `to_keep`, for the counts alone; no votes where it is anything else."""
        if not isinstance(kept, dict) or not isinstance(kept.get("preferred"), dict):
            return cls()
        counts = {**kept["preferred"], None: kept.get("neither")}
        known = all(method in (*SHORT_NAMES, None) and is_whole(n, 0, MAX_KEPT) for method, n in counts.items())
        return cls(tuple(method for method, n in counts.items() for _ in range(n))) if known else cls()

    def said(self) -> str:
        """HTML; empty before the first vote."""
        if not self.preferred:
            return ""
        counts = Counter(method for method in self.preferred if method)
        parts = [f"{SHORT_NAMES[method]} {n}" for method, n in counts.most_common()]
        undecided = self.preferred.count(None)
        parts += [f"neither {undecided}"] * bool(undecided)
        return heading(f"You: {count_of(len(self.preferred), 'vote')}", ", ".join(parts) + ".")
