"""`python -m pdm report`: tables made from files of results, each put between its two marks in a Markdown file.

The long tables stand in assets/results/README.md, and a short one of each model in the README.
"""

from __future__ import annotations

from pathlib import Path

from pdm.evaluation.evaluation_table import evaluation_table
from pdm.experiments.ablation.ablation_table import ablation_table
from pdm.experiments.bench.bench_table import bench_table, short_table
from pdm.results.shapes import KINDS, SHIPPED, Ablation, Bench, Evaluation, read_shipped
from pdm.results.table import markdown
from pdm.support.files import atomic_file
from pdm.support.paths import ASSETS

_TABLE_OF = {Bench: bench_table, Evaluation: evaluation_table, Ablation: ablation_table}
TABLES = {name: _TABLE_OF[kind.shape] for name, kind in KINDS.items() if kind.shape in _TABLE_OF}
SHORT = "short"  # a table of a few rows, from bench.json as well


def marks(model: str, name: str) -> tuple[str, str]:
    """The lines that a model's table stands between."""
    return f"<!-- {model} {name} -->\n", f"<!-- end of {model} {name} -->"


def section(folder: Path, name: str) -> str:
    """A table of `TABLES`, or `SHORT`, as Markdown; where it is not measured, a line that says how to do it.

    Raises ValueError as `read_shipped`.
    """
    kind, table = ("bench", short_table) if name == SHORT else (name, TABLES[name])
    results = read_shipped(folder, kind)
    if results is None:
        return f"Not measured yet; `{KINDS[kind].command(Path(folder).name)}` does it.\n"
    return markdown(table(results))


def write_report(readme: Path, folder: Path) -> list[str]:
    """Put a model's tables into a README, each where its marks are; returns the names of those it has no marks for.

    Raises ValueError where none has any, where an end is missing, and for a damaged file; the README is then as it was.
    """
    text, model, unmarked = Path(readme).read_text(), Path(folder).name, []
    for name in (*TABLES, SHORT):
        (begin, end), made = marks(model, name), section(folder, name)
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not found:
            unmarked.append(name)
        elif not ended:
            raise ValueError(f"{readme}: expected the line {end} after {begin.strip()}, got none")
        else:
            text = before + begin + made + end + after
    if len(unmarked) == len(TABLES) + 1:
        begin, end = marks(model, "bench")
        raise ValueError(f"{readme}: expected the lines {begin.strip()} and {end}, or another table's, got neither")
    with atomic_file(Path(readme)) as part:
        part.write_text(text)
    return unmarked


def shipped_reports() -> list[tuple[Path, Path]]:
    """(README, folder of results) for all results that ship and every file in which their model has marks."""
    files = [path for path in (ASSETS / SHIPPED / "README.md", ASSETS.parent / "README.md") if path.is_file()]
    folders = sorted(path for path in (ASSETS / SHIPPED).glob("*") if path.is_dir())
    return [(file, folder) for folder in folders for file in files if f"<!-- {folder.name} " in file.read_text()]


def missing_files(folder: Path, unmarked: list[str]) -> list[str]:
    """The files of results that the marked tables would be made from and that are not there, with their folder."""
    files = [folder / KINDS[name].file for name in TABLES if name not in unmarked]
    return [f"{folder.name}/{file.name}" for file in files if not file.exists()]
