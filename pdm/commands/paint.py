"""What `python -m pdm paint` does."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdm.commands.parser import MODEL_HELP, add_command, add_sampling
from pdm.commands.values import at_least

if TYPE_CHECKING:
    from PIL import Image

    from pdm.pipelines.recipe import Recipe

Legend = dict[int, Any]  # index -> (ids, weights or None)


def add_paint(subparsers) -> None:
    parser = add_command(
        subparsers,
        "paint",
        paint,
        "paint a canvas with prototypes, region by region",
        "Paint a canvas of any size from a mask: an indexed or grey PNG in which every index is a region that the\n"
        "legend names. Index 0 is the ground, which the legend may name too. The picture holds its recipe and masks.",
        "paint --mask land.png --legend 0=25,1=10 --size 512 --out land-painted.png",
    )
    option = parser.add_argument
    option("--model", default="eurosat", help=MODEL_HELP)
    option("--method", choices=("pdm", "rdm"), default="pdm", help="with rdm, ids are entries of its memory")
    option("--mask", type=Path, required=True, metavar="FILE", help="indexed PNG (mode P or L)")
    option(
        "--legend",
        type=legend,
        required=True,
        metavar="INDEX=ID,...",
        help="prototypes of each index; a mix is 1=10+12, or 1=10:0.7+12:0.3 with weights",
    )
    option("--ground", choices=("table", "null"), help="what is not painted: as in the data (default), or nothing")
    option("--set", type=Path, metavar="FILE", dest="prototype_set", help="edited prototypes, as saved by the app")
    option("--size", type=at_least(1), metavar="N", help="longer side in pixels (default: the mask's own)")
    option("--soften", type=float, metavar="PIXELS", help="how far edges fade into each other (default: 4, mosaics 0)")
    tilings = ("whole", "windows", "mosaic")
    option("--tiling", choices=tilings, help="how large pictures are painted (default: the model's way)")
    option("--tileable", action="store_true", help="make a canvas that repeats without a seam")
    add_sampling(parser, guidance=None)
    option("--out", type=Path, required=True, metavar="FILE", help="the picture, a PNG")


def legend(text: str) -> Legend:
    """INDEX=ID, INDEX=ID+ID or INDEX=ID:WEIGHT+ID:WEIGHT with commas between."""
    found: Legend = {}
    try:
        for entry in text.split(","):
            index, mix = entry.split("=")
            parts = [part.split(":") for part in mix.split("+")]
            weights = [float(part[1]) for part in parts if len(part) == 2]
            ids = [int(part[0]) for part in parts]
            if int(index) in found or len(weights) not in (0, len(ids)) or any(len(part) > 2 for part in parts):
                raise ValueError
            found[int(index)] = (ids, weights or None)
    except ValueError as error:
        message = f"expected INDEX=ID with commas between, each index once, or a mix as 1=10:0.7+12:0.3, got {text!r}"
        raise ArgumentTypeError(message) from error
    return found


def paint(arguments: Namespace) -> str:
    from pdm.evaluation.drawing import seeded
    from pdm.pipelines.canvas import check_memory
    from pdm.pipelines.loading import load_pipeline
    from pdm.pipelines.palette import edges, from_palette
    from pdm.pipelines.recipe import save_png
    from pdm.support.device import fastest_dtype, pick_device

    device = pick_device(arguments.device)
    if arguments.out.suffix.lower() != ".png":
        raise ValueError(f"--out {arguments.out}: expected a PNG, which holds the recipe")
    if arguments.prototype_set is not None and arguments.method != "pdm":
        raise ValueError(f"--set: expected --method pdm beside it, got --method {arguments.method}")
    mask = _mask(arguments.mask)
    pipeline: Any = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    if arguments.prototype_set is not None:
        from pdm.pipelines.set_condition import set_of

        pipeline.prototype_set = set_of(pipeline.bank, arguments.prototype_set)
    mask, said = _sized(mask, arguments.size, pipeline.grid(arguments.tiling))
    arguments.tiling = arguments.tiling or pipeline.config.tiling
    soften = edges(arguments.tiling) if arguments.soften is None else arguments.soften
    regions = from_palette(mask, arguments.legend, soften=soften, ground=arguments.ground)
    arguments.guidance = pipeline.own_guidance(arguments.guidance)
    arguments.sampler = arguments.sampler or pipeline.sampler_for(arguments.steps)
    options = {"tiling": arguments.tiling, "tileable": arguments.tileable}
    check_memory(pipeline.denoiser, pipeline.canvas(regions, **options), guided=arguments.guidance != 1)
    picture = pipeline(
        regions=regions,
        generator=seeded(arguments.seed, 1),
        num_inference_steps=arguments.steps,
        guidance_scale=arguments.guidance,
        sampler=arguments.sampler,
        **options,
    ).images[0]
    save_png(picture, arguments.out, _recipe(arguments, pipeline, mask, soften), mask)
    return f"wrote {picture.width} x {picture.height} pixels to {arguments.out}{said}"


def _mask(path: Path) -> Image.Image:
    from pdm.data.decode import open_picture
    from pdm.pipelines.palette import indices_of

    try:
        mask = open_picture(path)
        indices_of(mask)
    except ValueError as error:
        raise ValueError(f"--mask {path}: {error.__cause__ or error}") from error
    return mask


def _sized(mask: Image.Image, size: int | None, grid: int) -> tuple[Image.Image, str]:
    """The mask at the size of the canvas, whose sides are multiples of the net's grid, and what to say of that."""
    from PIL import Image

    scale = 1.0 if size is None else size / max(mask.size)
    asked = [round(side * scale) for side in mask.size]
    width, height = (max(grid, round(side / grid) * grid) for side in asked)
    sized = mask.resize((width, height), Image.Resampling.NEAREST)
    rounded = [width, height] != asked
    return sized, f", rounded from {asked[0]} x {asked[1]} to multiples of {grid}" if rounded else ""


def _recipe(arguments: Namespace, pipeline: Any, mask: Image.Image, soften: float) -> Recipe:
    from pdm.pipelines.canvas_recipe import CanvasRecipe
    from pdm.pipelines.recipe import Recipe

    edited = pipeline.prototype_set if arguments.method == "pdm" else None
    options = {} if arguments.ground is None else {"ground": arguments.ground}
    canvas = CanvasRecipe.of(
        arguments.legend,
        (mask.height, mask.width),
        soften=soften,
        tiling=arguments.tiling,
        tileable=arguments.tileable,
        **options,
    )
    return Recipe(
        model=arguments.model,
        method=arguments.method,
        seed=arguments.seed,
        steps=arguments.steps,
        guidance=arguments.guidance,
        sampler=arguments.sampler,
        prototype_set=None if edited is None else edited.digest,
        canvas=canvas,
    )
