"""Who may come in at all: names and passwords, of one option."""

from __future__ import annotations

from pathlib import Path

EXPECTED = "--auth: expected USER:PASSWORD, or a file with such lines, got"


def accounts(given: str) -> list[tuple[str, str]]:
    """(name, password) of each account, of `USER:PASSWORD` or of a file's lines. Raises ValueError, which tells none.

    A file keeps the password out of the list of processes. Empty lines and those that begin with # don't count.
    """
    path = Path(given)
    try:
        lines = path.read_text().splitlines() if path.is_file() else [given]
    except (OSError, ValueError) as error:
        raise ValueError(f"{EXPECTED} a file that can't be read") from error
    found = [line.strip().partition(":") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise ValueError(f"{EXPECTED} nothing")
    if not all(name.strip() and password for name, _, password in found):
        raise ValueError(f"{EXPECTED} something without a name, a colon or a password")
    return [(name.strip(), password) for name, _, password in found]
