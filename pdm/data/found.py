"""What reading a data set found: said in one line before the work starts, and kept in the cards of what is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

NAMED = 10  # pictures that could not be read, or classes, that a line names


@dataclass
class Found:
    """Counts of a reading. `classes`: images by class; `skipped`: what could not be read and why, the first ten.

    `smallest` and `largest`: (width, height) of the pictures as they were; `small`: how many were enlarged. `odd`: how
    many were in colour in a grey set, or grey in one of colour. `held_out`: how many of the source belong to the other
    part, where it has no split of its own. `notes`: what was left out besides.
    """

    images: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None
    small: int = 0
    colour: bool = False
    odd: int = 0
    held_out: int = 0
    part: str | None = None  # "train" or "test" where images were held out by their content
    skipped: int = 0
    skipped_first: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict:
        """For a card, which may be published: without the names of files."""
        return {name: value for name, value in asdict(self).items() if name != "skipped_first"}

    def see(self, size: tuple[int, int], wanted: int) -> None:
        """Count a picture of this size, of which `wanted` pixels a side are made."""
        area = size[0] * size[1]
        if self.smallest is None or area < self.smallest[0] * self.smallest[1]:
            self.smallest = size
        if self.largest is None or area > self.largest[0] * self.largest[1]:
            self.largest = size
        self.small += min(size) < wanted

    def skip(self, said: str) -> None:
        """Count a picture that could not be read."""
        self.skipped += 1
        if len(self.skipped_first) < NAMED:
            self.skipped_first.append(said)

    def count(self, labels: Iterable[int], names: tuple[str, ...]) -> None:
        """Count the images of each class."""
        counts = Counter(labels)
        self.classes = {name: counts[label] for label, name in enumerate(names)}
        self.unlabelled = counts[-1]
        self.images = sum(counts.values())

    def line(self) -> str:
        """All of it in a line."""
        parts = [f"{self.images:,} images{self._by_class()}"]
        if self.smallest and self.largest:
            low, high = (f"{w} x {h}" for w, h in (self.smallest, self.largest))
            few = f", {self.small:,} of them enlarged" if self.small else ""
            parts.append((f"{low} pixels" if low == high else f"{low} to {high} pixels") + few)
        kinds = ("grey", "colour")
        odd = f", {self.odd:,} {'were' if self.odd > 1 else 'was'} {kinds[not self.colour]}" if self.odd else ""
        parts.append(kinds[self.colour] + odd)
        if self.held_out:
            other = "held out to measure against" if self.part == "train" else "left for training"
            parts.append(f"{self.held_out:,} {other}")
        parts.append(f"skipped {self.skipped:,}: {self._skipped()}" if self.skipped else "none skipped")
        return "; ".join([*parts, *self.notes])

    def _skipped(self) -> str:
        more = self.skipped - len(self.skipped_first)
        return ", ".join([*self.skipped_first, *([f"and {more:,} more"] if more else [])])

    def _by_class(self) -> str:
        said = [f"{name} {n:,}" for name, n in list(self.classes.items())[:NAMED]]
        if len(self.classes) > NAMED:
            said.append(f"... {len(self.classes):,} classes in all")
        if self.classes and self.unlabelled:
            said.append(f"without a class {self.unlabelled:,}")
        return f" ({', '.join(said)})" if said else ""
