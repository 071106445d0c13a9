"""`python -m pdm report`: the README's tables, each made from a file of results and put between its two marks."""

from __future__ import annotations

from pathlib import Path

from pdm.evaluation.evaluation_table import evaluation_table
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.experiments.bench.bench_table import bench_table
from pdm.results.shapes import KINDS, read_shipped
from pdm.results.table import markdown
from pdm.support.files import atomic_file

TABLES = {
    "bench": bench_table,
    "evaluation": evaluation_table,
    "evaluation-rdm": evaluation_table,
    "evaluation-queries": evaluation_table,
    "ablation": ablation_table,
}


def marks(model: str, name: str) -> tuple[str, str]:
    """The lines that a model's table stands between."""
    return f"<!-- {model} {name} -->\n", f"<!-- end of {model} {name} -->"


def section(folder: Path, name: str) -> str:
    """A table of `TABLES` as Markdown, or a line that says how to measure it; raises ValueError as `read_shipped`."""
    results = read_shipped(folder, name)
    if results is None:
        return f"Not measured yet; `{KINDS[name].command(Path(folder).name)}` does it.\n"
    return markdown(TABLES[name](results))


def write_report(readme: Path, folder: Path) -> list[str]:
    """Put a model's tables into a README, each where its marks are; returns the names of those it has no marks for.

    Raises ValueError where none has any, where an end is missing, and for a damaged file; the README is then as it was.
    """
    text, model, unmarked = Path(readme).read_text(), Path(folder).name, []
    for name in TABLES:
        (begin, end), made = marks(model, name), section(folder, name)
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not found:
            unmarked.append(name)
        elif not ended:
            raise ValueError(f"{readme}: expected the line {end} after {begin.strip()}, got none")
        else:
            text = before + begin + made + end + after
    if len(unmarked) == len(TABLES):
        begin, end = marks(model, "bench")
        raise ValueError(f"{readme}: expected the lines {begin.strip()} and {end}, or another table's, got neither")
    with atomic_file(Path(readme)) as part:
        part.write_text(text)
    return unmarked
