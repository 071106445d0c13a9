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
        "write the README's tables from files of results",
        "Put the tables of bench.json, evaluation.json and ablation.json into a README, each between its two marks\n"
        "(<!-- fashion-mnist bench --> and <!-- end of fashion-mnist bench -->, by the folder's name). What is not\n"
        "measured is left out with a line that says so.",
        "report --results assets/results/fashion-mnist --readme README.md",
    )
    option = parser.add_argument
    option("--results", type=Path, required=True, metavar="DIR", help="folder of bench.json, evaluation.json, ...")
    option("--readme", type=Path, required=True, metavar="FILE", help="file to put the tables into")


def report(arguments: Namespace) -> str:
    from pdm.experiments.report import TABLES, write_report
    from pdm.results.shapes import KINDS

    folder = arguments.results
    if not folder.is_dir():
        raise ValueError(f"--results {folder}: expected a folder of results, got none")
    unmarked = write_report(arguments.readme, folder)
    missing = [KINDS[name].file for name in TABLES if name not in unmarked and not (folder / KINDS[name].file).exists()]
    return f"wrote the tables to {arguments.readme}" + (f"; not measured: {', '.join(missing)}" if missing else "")
