"""The pictures of one split of a source, listed and not read yet: what folders, archives and tables have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdm.data.splits import HoldOut
from pdm.support.checks import reason

LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category")  # of tables and of metadata.csv


@dataclass(frozen=True)
class Listing:
    """Pictures in a fixed order. `read` gives the content of one; `labels`: -1 for none; `places`: how one is named.

    `divided`: the split that is wanted of a source which has none, see `HoldOut`. `notes`: what was left out.
    """

    name: str
    read: Callable[[int], Path | bytes]
    places: Sequence[str]
    labels: Sequence[int]
    class_names: tuple[str, ...] = ()
    divided: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def of_files(self) -> bool:
        """Whether a place names a file, and not a row of a table."""
        return isinstance(self.places, list)

    def hold_out(self) -> HoldOut | None:
        """What says which pictures are of this part; None where all are. Raises ValueError where there are too few."""
        return None if self.divided is None else HoldOut(self.divided, len(self), self.read)


def numbered(values: Sequence[object]) -> tuple[list[int], tuple[str, ...]]:
    """Labels and class names of a column of numbers or of words; what is missing is -1.

    Numbers stay what they are, and their classes are called so; words are numbered in their order. Raises ValueError
    for what is neither.
    """
    known = [None if value is None or value != value or value == "" else value for value in values]
    given = [value for value in known if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in given):
        if any(value != int(value) for value in given):  # type: ignore[call-overload] - numbers, as was asked
            raise ValueError("expected whole numbers or words for labels, got fractions")
        numbers = [-1 if value is None else max(-1, int(value)) for value in known]  # type: ignore[call-overload]
        if max(numbers, default=-1) > 100_000:
            raise ValueError(f"expected labels up to 100000, got {max(numbers)}")
        return numbers, tuple(str(i) for i in range(max(numbers, default=-1) + 1))
    if any(not isinstance(value, (str, int, float)) for value in given):
        raise ValueError(f"expected whole numbers or words for labels, got {type(given[0]).__name__}")
    words = sorted({str(value) for value in given}, key=_as_number)
    places = {word: i for i, word in enumerate(words)}
    return [-1 if value is None else places[str(value)] for value in known], tuple(words)


def _as_number(word: str) -> tuple[int, int, str]:
    """Words that are numbers come first, in the order of numbers."""
    return (0, int(word), word) if word.isdecimal() and len(word) < 10 else (1, 0, word)


def wrong(source: str, split: str, error: BaseException) -> ValueError:
    """One line for whatever a library says of a source that is not there."""
    return ValueError(
        f"data set {source!r}, split {split!r}: "
        f"expected a hub id that can be reached, or a local folder or file, got: {reason(error)}"
    )
