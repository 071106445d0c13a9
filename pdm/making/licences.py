"""The licence that a model is published under: one that the hub knows, or a text of one's own. It is never guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pdm.support.checks import shown
from pdm.support.files import read_small

# What may stand behind `license:` in a card: https://huggingface.co/docs/hub/repositories-licenses
KNOWN = frozenset(
    "afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 "
    "bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 "
    "cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 "
    "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 "
    "etalab-2.0 eupl-1.1 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa "
    "odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql unknown unlicense wtfpl zlib".split()
)
FILE = "LICENSE"  # where a text of one's own stands in the repository
EXPECTED = "a licence that the hub knows, such as apache-2.0, mit, cc-by-4.0 or openrail, or a file with its text"


@dataclass(frozen=True)
class Licence:
    """`name`: the hub's, or that of the file; `text`: the file's, None for one that the hub knows."""

    name: str
    text: str | None = None

    def lines(self) -> list[str]:
        """What the front matter says."""
        if self.text is None:
            return [f"license: {self.name}"]
        return ["license: other", f"license_name: {json.dumps(self.name)}", f"license_link: {FILE}"]

    def sentence(self) -> str:
        return f"{self.name}." if self.text is None else f"{self.name}: its text is in [{FILE}]({FILE})."


def licence(given: str | None) -> Licence:
    """What was asked for. Raises ValueError for nothing, for a name that the hub refuses, and for an empty file."""
    if given is None:
        raise ValueError(f"--licence: expected {EXPECTED}, got none; whoever publishes decides")
    if given.lower() in KNOWN:
        return Licence(given.lower())
    path = Path(given).expanduser()
    if not path.is_file():
        raise ValueError(f"--licence: expected {EXPECTED}, got {shown(given)}")
    try:
        text = read_small(path, 1_000_000)
    except (ValueError, OSError) as error:
        raise ValueError(f"--licence: expected a text in UTF-8, got: {error}") from error
    if not text.strip():
        raise ValueError(f"--licence: expected a text, got the empty file {path.name}")
    stem = "".join(c if c.isalnum() or c in "-." else "-" for c in path.stem.lower()).strip("-.")
    return Licence(stem or "own", text)
