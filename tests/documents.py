"""The documents of the repository, read for what they promise: examples, commands, links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = ("README.md", "CONTRIBUTING.md", "docs/training.md", "docs/own-images.md", "assets/results/README.md")
DOCUMENTS = [ROOT / name for name in NAMES]


def examples(language: str, path: Path = ROOT / "README.md") -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


def commands(path: Path) -> list[str]:
    """Every `python -m pdm ...` that a document says with options, in a block or in a line."""
    blocks = "\n".join(examples("bash", path)).replace("\\\n", " ")
    found = re.findall(r"^(?:torchrun [^\n]*?-m|python -m) pdm ([^\n#]+)", blocks, re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [*found, *re.findall(r"`python -m pdm (\w+ --[^`]*)`", text)]
