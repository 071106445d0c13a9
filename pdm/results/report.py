"""`python -m pdm report`: the README's tables, each made from a file of results and put between its two marks."""

from __future__ import annotations

from pathlib import Path

from pdm.ablation.table import ablation_table
from pdm.bench.table import bench_table
from pdm.evaluation.table import evaluation_table
from pdm.files import atomic_file
from pdm.results.files import KINDS, read_shipped
from pdm.results.table import markdown

TABLES = {
    "bench": bench_table,
    "evaluation": evaluation_table,
    "evaluation-rdm": evaluation_table,
    "ablation": ablation_table,
}


def marks(name: str) -> tuple[str, str]:
    """The lines that a table stands between."""
    return f"<!-- {name} -->\n", f"<!-- end of {name} -->"


def section(folder: Path, name: str) -> str:
    """A table of `TABLES` as Markdown, or a line that says how to measure it; raises ValueError as `read_shipped`."""
    results = read_shipped(folder, name)
    if results is None:
        return f"Not measured yet; `{KINDS[name].command(Path(folder).name)}` does it.\n"
    return markdown(TABLES[name](results))


def write_report(readme: Path, folder: Path) -> None:
    """Put all tables into a README between their marks.

    Raises ValueError where a mark is missing, and for a damaged file; the README is then as it was.
    """
    text = Path(readme).read_text()
    for name in TABLES:
        (begin, end), made = marks(name), section(folder, name)
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"{readme}: expected the lines {begin.strip()} and {end}, got a file without them")
        text = before + begin + made + end + after
    with atomic_file(Path(readme)) as part:
        part.write_text(text)
