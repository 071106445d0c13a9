"""Finding prototypes by their words."""

from __future__ import annotations

from pdm.app.shown_set import ShownSet
from pdm.support.checks import expect

MAX_TEXT = 100


def find(shown_set: ShownSet, text: str) -> list[int]:
    """The prototypes that have each word of `text` somewhere in their name, tags or class, whatever its case.

    A number means that number: "boot 1" is not Boot 10. Those whose name is or begins with the text come first, then
    in the order of every list. None for no words; raises ValueError for a text that is too long.
    """
    expect("find", text, f"at most {MAX_TEXT} characters", isinstance(text, str) and len(text) <= MAX_TEXT)
    wanted = text.casefold().split()
    if not wanted:
        return []
    whole = " ".join(wanted)
    found = [k for k in shown_set.order if _has(_text(shown_set, k), wanted)]
    return sorted(found, key=lambda k: _rank(shown_set.names[k].casefold(), whole))


def _text(shown_set: ShownSet, k: int) -> str:
    return " ".join([shown_set.names[k], *shown_set.prototypes.get(k).tags, shown_set.classes[k]]).casefold()


def _has(text: str, wanted: list[str]) -> bool:
    apart = text.split()
    return all(word in apart if word.isdecimal() else word in text for word in wanted)


def _rank(name: str, whole: str) -> int:
    return 0 if name == whole else 1 if name.startswith(whole) else 2
