"""What one visitor has said in the blind test, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pdm.ui.shared.wording import SHORT_NAMES, count_of, heading


@dataclass(frozen=True)
class OwnVotes:
    """The method that each vote preferred, None where it preferred neither."""

    preferred: tuple[str | None, ...] = ()

    def with_vote(self, choice: str, left: str, right: str) -> OwnVotes:
        """One more: `choice` is one of `pdm.app.votes.CHOICES`, between these methods."""
        return OwnVotes((*self.preferred, {"left": left, "right": right}.get(choice)))

    def said(self) -> str:
        """HTML; empty before the first vote."""
        if not self.preferred:
            return ""
        counts = Counter(method for method in self.preferred if method)
        parts = [f"{SHORT_NAMES[method]} {n}" for method, n in counts.most_common()]
        undecided = self.preferred.count(None)
        parts += [f"neither {undecided}"] * bool(undecided)
        return heading(f"You: {count_of(len(self.preferred), 'vote')}", ", ".join(parts) + ".")
