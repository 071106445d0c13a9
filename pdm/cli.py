"""`python -m pdm COMMAND`: the arguments of every command, and errors as one line."""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from safetensors import SafetensorError

from pdm.commands import evidence, maps, memory, sample, training
from pdm.commands.values import at_least, interval, numbers, positive, seed, share
from pdm.config import DEFAULT_GUIDANCE, NETS, PRESETS
from pdm.experiments.ablation.rows import ROWS
from pdm.methods import METHODS

DATA_HELP = (
    "data set: fashion-mnist, eurosat, cifar10, another hub id, a local folder in the hub's layout, a Parquet file, or "
    "class folders of images"
)
MODEL_HELP = "a pipeline folder, a folder holding pdm/ and rdm/, a shipped model (fashion-mnist), or a hub id"


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line, pointing at --help."""

    def error(self, message: str):
        self.exit(2, f"pdm: error: {message} (see `{self.prog} --help`)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code: 0, 2 for wrong input or files, 130 on Ctrl-C."""
    arguments = build_parser().parse_args(argv)
    arguments.command = shlex.join(["python", "-m", "pdm", *(sys.argv[1:] if argv is None else argv)])
    try:
        line = arguments.run(arguments)
        if line is not None:  # of several processes one speaks
            print(line)
        return 0
    except (ValueError, OSError, SafetensorError, MemoryError) as error:
        return _fail(error)
    except RuntimeError as error:
        if "out of memory" not in str(error):  # torch's own error for a full GPU is a RuntimeError
            raise
        return _fail(error)
    except KeyboardInterrupt:
        print("pdm: interrupted", file=sys.stderr)
        return 130
    finally:
        _flush()


def _fail(error: BaseException) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in message:  # safetensors has its own type
        message = f"{message}: free some space, or write to another disk; nothing half-written was left"
    print(f"pdm: error: {message}", file=sys.stderr)
    return 2


def _flush() -> None:
    """A reader that left (`| head`) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m pdm",
        description="Prototype diffusion: train, look at, measure and sample diffusion models that need no memory.",
        epilog="Each command has its own help, for example: python -m pdm sample --help",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _add_train,
        _add_tune,
        _add_memory,
        _add_map,
        _add_evaluate,
        _add_ablate,
        _add_bench,
        _add_curves,
        _add_report,
        _add_sample,
    ):
        add(subparsers)
    return parser


def _command(subparsers, name: str, run: Callable, summary: str, description: str, example: str) -> Parser:
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example:\n  python -m pdm {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_train(subparsers) -> None:
    parser = _command(
        subparsers,
        "train",
        training.train,
        "train a model, or go on training it",
        "Train a model into a folder. Run the same command again to go on where it stopped; the result lies in\n"
        "OUT/pipeline, with samples.png and training_card.json beside it. The learning rate falls at the end of the\n"
        "preset's images, or with --finish in the minutes of that run.",
        "train --preset pdm --data fashion-mnist --out runs/pdm --max-minutes 30",
    )
    option = parser.add_argument
    option("--preset", choices=PRESETS, default="pdm", help="what to train (default: pdm)")
    option("--objective", choices=PRESETS, help="take the prototype objective of another preset")
    option("--net", choices=NETS, help="take another net than the preset's")
    option("--data", help=f"{DATA_HELP} (default: the one the preset is for)")
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images")
    option("--size", type=at_least(8), metavar="PIXELS", help="side of the square images (default: the preset's)")
    option("--out", type=Path, help="folder of the run (default: runs/PRESET)")
    option("--images", type=at_least(1), metavar="N", help="images seen by the whole run (default: the preset's)")
    option("--batch-size", type=at_least(1), metavar="N", help="default: the preset's")
    option(
        "--from-model",
        dest="start",
        type=Path,
        metavar="MODEL",
        help="start from a trained model: its memory stays, and its prototypes but for --settle",
    )
    option("--learning-rate", type=positive, help="default: the preset's")
    option("--decay", type=share, help="last share of the run in which it falls to zero (default: the preset's)")
    option("--prototypes", type=at_least(1), metavar="K", help="number of prototypes (default: the preset's)")
    option("--settle", type=at_least(0), metavar="N", help="steps in which the prototypes come to rest (preset's)")
    option("--augment", choices=("none", "flip", "d4"), help="symmetries the data has (default: the preset's)")
    option("--precision", choices=("auto", "no", "fp16", "bf16"), help="of training (default: auto)")
    option("--memory", type=Path, metavar="DIR", help="with --preset rdm: a memory written by `pdm memory`")
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--finish", action="store_true", help="the last of a chain of runs: the rate falls to 0 in --max-minutes")
    option("--seed", type=seed, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def _add_tune(subparsers) -> None:
    parser = _command(
        subparsers,
        "tune",
        training.tune,
        "tune a trained model to paint in one, two or four steps",
        "Make a student of a trained model (consistency tuning) and write both into one pipeline in OUT/pipeline.\n"
        "The teacher stays as it was, and so do its prototypes or its memory. Run the same command again to go on\n"
        "where it stopped. Give it the images that the teacher was trained on.",
        "tune --model fashion-mnist --data fashion-mnist --out runs/tune-pdm --max-minutes 60",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--method", choices=("pdm", "rdm"), default="pdm", help="default: pdm")
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--out", type=Path, help="folder of the run (default: runs/tune-METHOD)")
    option("--images", type=at_least(1), metavar="N", help="images seen by the whole run (default: 200000)")
    option("--batch-size", type=at_least(1), metavar="N", help="default: 128")
    option("--learning-rate", type=positive, help="default: 0.0002")
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cpu"), default="auto", help="cpu: leave a GPU unused")


def _add_memory(subparsers) -> None:
    parser = _command(
        subparsers,
        "memory",
        memory.memory,
        "make the memory that the RDM baseline retrieves from",
        "Embed the images of a data set with a static encoder and store them as RDM's memory. The encoder is a small\n"
        "one trained here (own), CLIP from the hub (clip), or a folder that holds either. With --stream the images\n"
        "never stand in memory all at once, and the same command run again goes on where it stopped: a memory of any\n"
        "size for a model that is trained already, made with that model's encoder.",
        "memory --data fashion-mnist --encoder own --entries 10000 --out runs/memory",
    )
    option = parser.add_argument
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images")
    option("--size", type=at_least(8), default=32, metavar="PIXELS", help="side of the square images (default: 32)")
    option("--encoder", default="own", metavar="own|clip|FOLDER", help="default: own")
    option("--encoder-steps", type=at_least(1), metavar="N", help="training steps of the own encoder")
    option("--entries", type=at_least(2), default=10_000, metavar="N", help="images kept (default: 10000)")
    option("--stream", action="store_true", help="write a large memory, file by file, for `sample --memory`")
    _add_index(parser)
    option("--augment", choices=("none", "flip", "d4"), default="none", help="symmetries the data has (default: none)")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--out", type=Path, required=True, help="folder to write")


def _add_index(parser: Parser) -> None:
    parser.add_argument(
        "--index",
        default="exact",
        metavar="KIND",
        help="what finds neighbours: exact, hnsw or ivf (FAISS), qdrant or qdrant:FOLDER (inside this process), or the "
        "http(s)://... of a Qdrant server, whose key is taken from QDRANT_API_KEY (default: exact)",
    )


def _add_map(subparsers) -> None:
    parser = _command(
        subparsers,
        "map",
        maps.make_map,
        "lay out images and prototypes on a plane",
        "Fit the 2-D map of a model's features (UMAP) that the app shows. Takes about a minute for 10,000 images.\n"
        "With --generated the map is of pictures that the model makes itself: it then holds nobody's images.",
        "map --model runs/pdm/pipeline --data fashion-mnist --count 10000 --out runs/map",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--data", help=f"{DATA_HELP} (default: fashion-mnist)")
    option("--count", type=at_least(10), metavar="N", help="images on the map (default: 10000)")
    option("--generated", type=at_least(10), metavar="N", help="a map of N pictures made by the model, without --data")
    option("--seed", type=seed, default=0, help="default: 0")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="to generate on (default: auto)")
    option("--out", type=Path, required=True, help="folder to write")


def _add_evaluate(subparsers) -> None:
    parser = _command(
        subparsers,
        "evaluate",
        evidence.evaluate,
        "measure a trained model",
        "Sample a model and compare with real images on the features of a classifier of the data set (trained in\n"
        "about two minutes where there is none): Frechet and kernel distance, precision, recall, density, coverage,\n"
        "classifier score, copies of training images, and for PDM the use and the fidelity of its prototypes. Writes\n"
        "evaluation.json and features.parquet. Run the same command again to go on where it stopped; several\n"
        "processes (torchrun) share the samples out.",
        "evaluate --model fashion-mnist --method pdm --samples 5000 --noise-floor --out runs/evaluation",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--method", choices=METHODS, default="pdm", help="default: pdm")
    _add_references(parser, classifier="MODEL/classifier")
    option(
        "--features",
        choices=("own", "inception"),
        default="own",
        help="feature net: own, the classifier; or inception, which makes the Frechet distance an FID and needs the "
        "packages torch-fidelity and torchvision (default: own)",
    )
    option("--noise-floor", action="store_true", help="measure twice, on other seeds, and record the difference")
    _add_sampling(parser, guidance=DEFAULT_GUIDANCE)
    option("--guidance-interval", type=interval, metavar="LOW,HIGH", help="guide at these noise levels only")
    option("--queries-of", metavar="MODEL", help="PDM: paint from the images alone that this RDM's queries come from")
    option("--out", type=Path, required=True, help="folder to write")


def _add_references(parser: Parser, classifier: str) -> None:
    option = parser.add_argument
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images of each split")
    option("--classifier", type=Path, metavar="DIR", help=f"feature net (default: {classifier}, else trained)")
    option("--reference", choices=("train", "test"), default="train", help="split to compare with (default: train)")
    option("--cache", type=Path, metavar="DIR", help="keep features of real images here (default: ~/.cache/pdm)")
    option("--samples", type=at_least(2), default=5000, help="default: 5000")


def _add_ablate(subparsers) -> None:
    parser = _command(
        subparsers,
        "ablate",
        evidence.ablate,
        "train and compare what the method is made of",
        "Train and evaluate a table of variants on the same images with the same net: unconditional, PDM as\n"
        "published, one token, the default, RDM, supervised, numbers of neighbours and of prototypes, guidance, and\n"
        "how often prototypes are drawn. Writes ablation.json, row by row. Run the same command again to go on where\n"
        "it stopped. On two cores the net tiny sees about 600 images a second (small: 190): with 200,000 images a\n"
        "training takes about ten minutes, its prototypes and its evaluation included. All rows are 17 trainings.",
        "ablate --out runs/ablation --images 200000 --net tiny --only pdm,pdm-uniform --max-minutes 60",
    )
    option = parser.add_argument
    option("--net", choices=NETS, default="tiny", help="of every row (default: tiny)")
    option("--images", type=at_least(1), default=200_000, metavar="N", help="seen by each training (default: 200000)")
    option("--only", metavar="ROW,...", help=f"only these rows: {', '.join(ROWS)}")
    option("--max-minutes", type=positive, default=float("inf"), help="stop after this time (default: no limit)")
    option("--size", type=at_least(8), metavar="PIXELS", help="side of the square images (default: 32)")
    _add_references(parser, classifier="the shipped one of this data set")
    option("--steps", type=at_least(1), default=10, help="denoising steps (default: 10)")
    option("--seed", type=seed, default=0, help="of the first picture (default: 0)")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
    option("--out", type=Path, required=True, help="folder to write")


def _add_bench(subparsers) -> None:
    parser = _command(
        subparsers,
        "bench",
        evidence.bench,
        "measure everything the README claims",
        "Run the benchmarks and write the numbers to a JSON file, section by section: prototypes, paper, fidelity,\n"
        "quality, guidance, speed, condition, memory, app, loss, edits, map, tune, click, roofline, profile, train.\n"
        "Takes two hours on two cores; --quick proves in minutes that it runs.",
        "bench --json bench.json --only speed,memory",
    )
    option = parser.add_argument
    option("--json", type=Path, required=True, metavar="FILE", help="results; what is there already is kept")
    option("--only", metavar="SECTION,...", help="run only these sections")
    option("--assets", type=Path, metavar="DIR", help="models (default: the shipped fashion-mnist)")
    option("--data", default="fashion-mnist", help=DATA_HELP)
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
    option("--quick", action="store_true", help="tiny settings: a smoke test, not a measurement")


def _add_curves(subparsers) -> None:
    parser = _command(
        subparsers,
        "curves",
        evidence.curves,
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


def _add_report(subparsers) -> None:
    parser = _command(
        subparsers,
        "report",
        evidence.report,
        "write the README's tables from files of results",
        "Put the tables of bench.json, evaluation.json and ablation.json into a README, each between its two marks\n"
        "(<!-- fashion-mnist bench --> and <!-- end of fashion-mnist bench -->, by the folder's name). What is not\n"
        "measured is left out with a line that says so.",
        "report --results assets/results/fashion-mnist --readme README.md",
    )
    option = parser.add_argument
    option("--results", type=Path, required=True, metavar="DIR", help="folder of bench.json, evaluation.json, ...")
    option("--readme", type=Path, required=True, metavar="FILE", help="file to put the tables into")


def _add_sample(subparsers) -> None:
    parser = _command(
        subparsers,
        "sample",
        sample.sample,
        "generate pictures",
        "Generate pictures as PNG files with their recipe inside, a grid of them all, and recipe.json. Picture i has\n"
        "seed SEED + i, so any one of them can be made again alone.",
        "sample --model fashion-mnist --prototypes 3,17 --weights .7,.3 --count 16 --seed 1 --out pictures",
    )
    option = parser.add_argument
    option("--model", default="fashion-mnist", help=MODEL_HELP)
    option("--method", choices=METHODS, default="pdm", help="default: pdm")
    option("--prototypes", type=numbers(int), metavar="K,...", help="prototypes to mix (default: as in the data)")
    option("--set", type=Path, metavar="FILE", dest="prototype_set", help="edited prototypes, as saved by the app")
    option("--weights", type=numbers(float), metavar="W,...", help="one for each prototype (default: equal)")
    option("--image", type=Path, metavar="FILE", help="take the image's own prototypes, or its neighbours (rdm)")
    option("--count", type=at_least(1), default=16, help="default: 16")
    option("--memory", type=Path, metavar="DIR", help="with --method rdm: a memory written by `pdm memory --stream`")
    _add_index(parser)
    _add_sampling(parser, guidance=None)
    option("--out", type=Path, required=True, help="folder for the pictures")


def _add_sampling(parser: Parser, guidance: float | None) -> None:
    option = parser.add_argument
    said = "the model's own" if guidance is None else guidance
    option("--steps", type=at_least(1), default=10, help="denoising steps (default: 10)")
    option("--guidance", type=float, default=guidance, help=f"guidance scale; 1 is none (default: {said})")
    option(
        "--sampler",
        help="dpm++2m, dpm++3m, euler, heun, ddim, ddpm or student (default: the model's own; its student, if it has "
        "one, for 1, 2 or 4 steps)",
    )
    option("--seed", type=seed, default=0, help="of the first picture (default: 0)")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
