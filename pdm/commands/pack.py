"""`python -m pdm pack`: a pipeline in half the space."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pdm.commands.common import given
from pdm.commands.parser import MODEL_HELP, add_command
from pdm.config import DEFAULT_GUIDANCE
from pdm.support.leftovers import is_free


def add_pack(subparsers) -> None:
    parser = add_command(
        subparsers,
        "pack",
        pack,
        "write a model in half the space, to ship it",
        "Copy a pipeline with its denoisers' weights as 8-bit whole numbers, a scale for each output channel. It\n"
        "loads as any other and paints the same pictures but for differences that nobody sees.",
        "pack --model runs/mine-pdm/pipeline --out my-model/pdm",
    )
    option = parser.add_argument
    option("--model", required=True, help=MODEL_HELP)
    option("--method", choices=("pdm", "rdm"), default="pdm", help="default: pdm")
    option("--guide", metavar="MODEL", help="an earlier or smaller model, whose denoiser guidance is to lead away from")
    option("--guidance", type=float, metavar="SCALE", help="its own guidance (default: as it is)")
    option("--guided-above", type=float, metavar="SIGMA", help="noise level down to which it acts (default: as it is)")
    option("--lowest-level", type=float, metavar="SIGMA", help="paint at noise levels evenly on a log scale down to it")
    option("--out", type=Path, required=True, help="folder to write: a new or empty one")


def pack(arguments: Namespace) -> str:
    from pdm.model.guided import check_guide
    from pdm.pipelines.checks import check_guidance, check_level
    from pdm.pipelines.loading import load_pipeline, resolve
    from pdm.pipelines.saving import packed_copy
    from pdm.sampling.own_scheduler import even_scheduler

    if not is_free(arguments.out):
        raise ValueError(f"--out {arguments.out}: expected a new or empty folder, got one with files in it")
    pipeline = load_pipeline(arguments.model, arguments.method)  # says what is wrong with it
    guide = None
    if arguments.guide is not None:
        guide = resolve(arguments.guide, arguments.method)
        check_guide(pipeline.denoiser, load_pipeline(guide, "unconditional").denoiser)  # its null branch is what guides
    own = given(guidance_scale=arguments.guidance, guided_above=arguments.guided_above)
    check_guidance(own.get("guidance_scale", DEFAULT_GUIDANCE))
    check_level(own.get("guided_above", 0.0))
    scheduler = None if arguments.lowest_level is None else even_scheduler(arguments.lowest_level)
    before, after = packed_copy(resolve(arguments.model, arguments.method), arguments.out, guide, own, scheduler)
    return f"wrote the pipeline to {arguments.out}: {after / 1e6:.1f} MB instead of {before / 1e6:.1f}"
