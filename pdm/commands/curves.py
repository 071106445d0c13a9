"""`python -m pdm curves`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import DATA_HELP, add_command
from pdm.commands.values import at_least, seed


def add_curves(subparsers) -> None:
    parser = add_command(
        subparsers,
        "curves",
        curves,
        "measure how time, quality and memory scale",
        "Measure curves into a JSON file that the page draws: time by batch and by steps, Frechet distance by steps\n"
        "for every sampler, and what finding a condition costs by the size of a memory, up to a million entries\n"
        "(time_by_batch, time_by_steps, frechet_by_steps, lookup). Rows that are in the file are kept: run the same\n"
        "command again to go on. --quick proves in minutes that it runs.",
        "curves --json curves.json --only time_by_batch,lookup",
    )
    option = parser.add_argument
    option("--json", type=Path, required=True, metavar="FILE", help="results; what is there already is kept")
    option("--only", metavar="CURVE,...", help="run only these curves")
    option("--model", default="fashion-mnist", help="a folder holding pdm/, rdm/ and classifier/, or a shipped model")
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--samples", type=at_least(2), default=5000, help="of each Frechet distance (default: 5000)")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
    option("--quick", action="store_true", help="tiny settings: a smoke test, not a measurement")


def curves(arguments: Namespace) -> str:
    from pdm.experiments.bench.bench import Bench
    from pdm.experiments.curves.curve import Lab
    from pdm.experiments.curves.run import chosen_curves, run
    from pdm.pipelines.loading import model_folder
    from pdm.support.device import pick_device

    names = chosen_curves(arguments.only)
    path = arguments.json
    bench = Bench(model_folder(arguments.model), arguments.data, pick_device(arguments.device), arguments.quick)
    lab = Lab(bench, arguments.samples, arguments.seed, path.with_name(f".{path.stem}.lookup"))
    run(path, names, lab, arguments.command)
    return f"wrote {', '.join(names)} to {path}"
