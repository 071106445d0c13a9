"""`python -m pdm report`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import add_command


def add_report(subparsers) -> None:
    parser = add_command(
        subparsers,
        "report",
        report,
        "write tables from files of results",
        "Put the tables of bench.json, evaluation.json and ablation.json into a Markdown file, each between its two\n"
        "marks (<!-- fashion-mnist bench --> and <!-- end of fashion-mnist bench -->, by the folder's name). What is\n"
        "not measured is left out with a line that says so. Without options: all results that ship, into\n"
        "assets/results/README.md, and a short table of each model into the README.",
        "report --results assets/results/fashion-mnist",
    )
    option = parser.add_argument
    option("--results", type=Path, metavar="DIR", help="folder of bench.json, evaluation.json, ... (default: all)")
    option("--readme", type=Path, metavar="FILE", help="file to put them into (default: DIR/../README.md)")


def report(arguments: Namespace) -> str:
    from pdm.experiments.report import missing_files, shipped_reports, write_report
    from pdm.results.shapes import SHIPPED
    from pdm.support.paths import ASSETS

    folder, readme = arguments.results, arguments.readme
    if folder is None:
        if readme is not None:
            raise ValueError(f"--results: expected a folder of results beside --readme {readme}, got none")
        pairs = shipped_reports()
        if not pairs:
            raise ValueError(f"--results: expected a folder of results, or {ASSETS / SHIPPED} to ship some, got none")
    elif not folder.is_dir():
        raise ValueError(f"--results {folder}: expected a folder of results, got none")
    else:
        pairs = [(readme or folder.parent / "README.md", folder)]
    missing = [name for readme, folder in pairs for name in missing_files(folder, write_report(readme, folder))]
    written = ", ".join(dict.fromkeys(str(readme) for readme, _ in pairs))
    return f"wrote the tables to {written}" + (f"; not measured: {', '.join(missing)}" if missing else "")
