"""`python -m pdm COMMAND`: which commands there are, and errors as one line."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Sequence

from safetensors import SafetensorError

from pdm.commands import (
    ablate,
    adapt,
    bench,
    curves,
    data,
    evaluate,
    maps,
    memory,
    new,
    pack,
    paint,
    publish,
    report,
    sample,
    space,
    training,
)
from pdm.commands.parser import Parser


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
        new.add_new,
        adapt.add_adapt,
        training.add_train,
        training.add_tune,
        data.add_data,
        memory.add_memory,
        maps.add_map,
        evaluate.add_evaluate,
        ablate.add_ablate,
        bench.add_bench,
        curves.add_curves,
        report.add_report,
        sample.add_sample,
        paint.add_paint,
        pack.add_pack,
        space.add_space,
        publish.add_publish,
    ):
        add(subparsers)
    return parser
