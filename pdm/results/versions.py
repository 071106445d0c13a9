"""Files of results: JSON that says which version of the measurements it holds."""

from __future__ import annotations

from pathlib import Path

from pdm.support.checks import is_text, shown
from pdm.support.files import read_json

# by the command that writes them; those of `evaluate` had no number at first
VERSIONS = {"bench": 1, "evaluate": 2, "ablate": 1, "curves": 1}


def read_results(path: Path, version: int) -> dict | None:
    """The results in a file, None where there is none; raises ValueError for damaged ones and for another version."""
    if not path.exists():
        return None
    try:
        values = read_json(path)
        got = values.get("version", "one of before there were versions")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: expected results as JSON, got: {error}; delete the file to measure again") from error
    if got != version:
        got = got if is_text(got, 100) else shown(got)
        raise ValueError(
            f"{path}: expected results of version {version}, got {got}; delete the file to measure again, "
            "or choose another one to write"
        )
    return values
