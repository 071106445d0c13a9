"""What the arguments of several commands have in common: the parser, and groups of options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pdm.commands.values import at_least, guidance_scale, seed
from pdm.data.known import NAMES

DATA_HELP = (
    f"data set: {NAMES}, another hub id, a local folder in the hub's layout, Parquet (a file or a folder), "
    "what save_to_disk wrote, or class folders of images, zipped or not"
)
MODEL_HELP = "a pipeline folder, a folder holding pdm/ and rdm/, a shipped model (fashion-mnist), or a hub id"


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line, pointing at --help."""

    def error(self, message: str):
        self.exit(2, f"pdm: error: {message} (see `{self.prog} --help`)\n")


def add_command(subparsers, name: str, run: Callable, summary: str, description: str, example: str) -> Parser:
    """A command's parser, for its options; `run` takes the parsed arguments and returns the line to print."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example:\n  python -m pdm {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_index(parser: Parser) -> None:
    parser.add_argument(
        "--index",
        default="exact",
        metavar="KIND",
        help="what finds neighbours: exact, hnsw or ivf (FAISS), qdrant or qdrant:FOLDER (inside this process; a new "
        "or empty folder), or the http(s)://... of a Qdrant server, whose key is taken from QDRANT_API_KEY "
        "(default: exact)",
    )


def add_data(parser: Parser, default: str | None = None, otherwise: str = "", *, required: bool = False) -> None:
    """`--data` and what is made of it; `otherwise` says what is read where neither it nor a default is given."""
    parser.add_argument("--data", default=default, required=required, help=DATA_HELP + otherwise)
    parser.add_argument(
        "--colour",
        choices=("auto", "grey", "colour"),
        default="auto",
        help="of the images; auto: as most of them are (default: auto)",
    )


def add_references(parser: Parser, classifier: str) -> None:
    option = parser.add_argument
    add_data(parser, "fashion-mnist")
    option("--limit", type=at_least(2), metavar="N", help="use only the first N images of each split")
    option("--classifier", type=Path, metavar="DIR", help=f"feature net (default: {classifier}, else trained)")
    option("--reference", choices=("train", "test"), default="train", help="split to compare with (default: train)")
    option("--cache", type=Path, metavar="DIR", help="keep features of real images here (default: ~/.cache/pdm)")
    option("--samples", type=at_least(2), default=5000, help="default: 5000")


def add_sampling(parser: Parser, guidance: float | None) -> None:
    option = parser.add_argument
    said = "own" if guidance is None else guidance
    option("--steps", type=at_least(1), default=10, help="denoising steps (default: 10)")
    option(
        "--guidance",
        type=guidance_scale,
        default=guidance,
        metavar="SCALE",
        help=f"guidance scale; 1 is none, own the model's own (default: {said})",
    )
    option(
        "--sampler",
        help="dpm++2m, dpm++3m, euler, heun, ddim, ddpm or student (default: the model's own; its student, if it has "
        "one, for 1, 2 or 4 steps)",
    )
    option("--seed", type=seed, default=0, help="of the first picture (default: 0)")
    option("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="default: auto")
