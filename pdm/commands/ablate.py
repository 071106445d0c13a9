"""`python -m pdm ablate`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from pdm.commands.parser import add_command, add_references
from pdm.commands.references import own_references, processes_of, splits
from pdm.commands.values import at_least, positive, seed
from pdm.config import NETS
from pdm.experiments.ablation.rows import ROWS, RUNS


def add_ablate(subparsers) -> None:
    parser = add_command(
        subparsers,
        "ablate",
        ablate,
        "train and compare what the method is made of",
        "Train and evaluate a table of variants on the same images with the same net: unconditional, PDM as\n"
        "published, one token, the default, RDM, supervised, numbers of neighbours and of prototypes, Muon, guidance,\n"
        "and how often prototypes are drawn. Writes ablation.json, row by row. Run the same command again to go on\n"
        "where it stopped. On two cores the net tiny sees about 600 images a second (small: 190): with 200,000 images\n"
        "a training takes about ten minutes, its prototypes and its evaluation included. All rows are "
        f"{sum(run.seeds for run in RUNS.values())} trainings.",
        "ablate --out runs/ablation --images 200000 --net tiny --only pdm,pdm-uniform --max-minutes 60",
    )
    option = parser.add_argument
    option("--net", choices=NETS, default="tiny", help="of every row (default: tiny)")
    option("--images", type=at_least(1), default=200_000, metavar="N", help="seen by each training (default: 200000)")
    option("--only", metavar="ROW,...", help=f"only these rows: {', '.join(ROWS)}")
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--size", type=at_least(8), metavar="PIXELS", help="side of the square images (default: 32)")
    add_references(parser, classifier="the shipped one of this data set")
    option("--steps", type=at_least(1), default=10, help="denoising steps (default: 10)")
    option("--seed", type=seed, default=0, help="of the first picture (default: 0)")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
    option("--out", type=Path, required=True, help="folder to write")


def ablate(arguments: Namespace) -> str | None:
    from pdm.config import PRESETS
    from pdm.evaluation.drawing import Sampling
    from pdm.experiments.ablation.ablate import RESULTS, Ablation
    from pdm.experiments.ablation.ablate import ablate as run
    from pdm.experiments.ablation.ablation_table import table
    from pdm.experiments.ablation.rows import DEFAULT, chosen_rows
    from pdm.support.paths import ASSETS

    names = chosen_rows(arguments.only)
    sampling = Sampling(arguments.samples, arguments.steps, seed=arguments.seed, sampler="dpm++2m")
    processes, device = processes_of(arguments.device)
    train_data, test = splits(arguments, arguments.size or PRESETS[DEFAULT].image_size)
    references = own_references(arguments, train_data, test, processes, ASSETS / train_data.name / "classifier")
    ablation = Ablation(
        arguments.out,
        train_data,
        references,
        arguments.net,
        arguments.images,
        sampling,
        device,
        command=_without_rows(arguments),
    )
    results, left = run(ablation, names, max_minutes=arguments.max_minutes)
    if not processes.is_main_process:
        return None
    print(table(results))
    if left:
        return f"stopped after --max-minutes; run the same command again to go on with {', '.join(left)}"
    return f"wrote {', '.join(names)} to {arguments.out / RESULTS}"


def _without_rows(arguments: Namespace) -> str:
    """The command for all rows, with every option that shapes the numbers."""
    names = (
        "out",
        "net",
        "images",
        "data",
        "limit",
        "size",
        "classifier",
        "reference",
        "samples",
        "steps",
        "seed",
        "device",
    )
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["python", "-m", "pdm", "ablate", *(text for option in options for text in option)])
