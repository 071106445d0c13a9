"""Names and tags of prototypes: what they may be, and the names that edits give by default."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from pdm.support.checks import expect, is_text

MAX_NAME, MAX_TAGS, MAX_TAG = 60, 8, 24


def checked_name(name: object, field: str = "name") -> str:
    """The name without space around it; raises ValueError. Markup is text like any other, and escaped where shown."""
    stripped = name.strip() if isinstance(name, str) else ""  # which no name may be
    expect(field, name, f"1 to {MAX_NAME} printable characters", is_text(stripped, MAX_NAME))
    return stripped


def checked_tags(tags: object) -> tuple[str, ...]:
    """The tags without space around them, each once; raises ValueError."""
    expect("tags", tags, "a list of words", isinstance(tags, (list, tuple)))
    assert isinstance(tags, (list, tuple))
    expect("tags", tags, f"at most {MAX_TAGS}", len(tags) <= MAX_TAGS)
    stripped = [t.strip() if isinstance(t, str) else t for t in tags]
    for tag, t in zip(tags, stripped, strict=True):
        expect("tags", tag, f"words of 1 to {MAX_TAG} printable characters", is_text(t, MAX_TAG))
    return tuple(dict.fromkeys(stripped))


def unique_name(name: str, taken: Collection[str], suffix: str = "") -> str:
    """`name` and suffix, cut to what a name may have; numbered from 2 where that is taken."""
    candidate = fitted(name, suffix)
    numbers = count(2)
    while candidate in taken:
        candidate = fitted(name, f"{suffix} {next(numbers)}")
    return candidate


def new_name(taken: Collection[str]) -> str:
    """New 1, New 2, ...: the first that is not taken."""
    return next(name for n in count(1) if (name := f"New {n}") not in taken)


def merged_name(names: Sequence[str]) -> str:
    """For two "A + B", for more "A + 3 more"; may be longer than a name."""
    return " + ".join(names) if len(names) == 2 else f"{names[0]} + {len(names) - 1} more"


def fitted(name: str, suffix: str = "") -> str:
    """The name with a suffix, cut before it where the two are too long."""
    return name[: MAX_NAME - len(suffix)].rstrip() + suffix


def printable(text: str) -> str:
    """A class name as a name: without what cannot be printed, cut; "Prototype" where nothing is left."""
    return fitted("".join(c for c in text if c.isprintable()).strip()) or "Prototype"
