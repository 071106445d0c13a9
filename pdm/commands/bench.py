"""`python -m pdm bench`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import DATA_HELP, add_command
from pdm.commands.values import positive


def add_bench(subparsers) -> None:
    parser = add_command(
        subparsers,
        "bench",
        bench,
        "measure everything that the tables of results claim",
        "Run the benchmarks and write the numbers to a JSON file, section by section: prototypes, paper, fidelity,\n"
        "quality, guidance, speed, condition, memory, app, loss, edits, map, tune, click, roofline, profile, train,\n"
        "latents, visitors, hostile, reading, canvas, invert, stroke, page. Takes two and a half hours on two cores;\n"
        "--quick proves in minutes that it runs.",
        "bench --json bench.json --only speed,memory",
    )
    option = parser.add_argument
    option("--json", type=Path, required=True, metavar="FILE", help="results; what is there already is kept")
    option("--only", metavar="SECTION,...", help="run only these sections")
    option("--assets", type=Path, metavar="DIR", help="models (default: the shipped fashion-mnist)")
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
    option("--minutes", type=positive, default=10.0, metavar="M", help="of visits to the app (default: 10)")
    option("--quick", action="store_true", help="tiny settings: a smoke test, not a measurement")


def bench(arguments: Namespace) -> str:
    from pdm.experiments.bench.run import run, sections
    from pdm.pipelines.loading import shipped_model

    chosen = sections(arguments.only)
    table = run(
        arguments.json,
        chosen,
        assets=arguments.assets or shipped_model("fashion-mnist"),
        data_set=arguments.data,
        command=_all_sections(arguments),
        device=arguments.device,
        quick=arguments.quick,
        minutes=arguments.minutes,
    )
    return f"{table}\nwrote {', '.join(chosen)} to {arguments.json}"


def _all_sections(arguments: Namespace) -> str:
    """The command for all sections, with every option that shapes the numbers."""
    names = ("json", "assets", "data", "device")
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["python", "-m", "pdm", "bench", *(text for option in options for text in option)])
