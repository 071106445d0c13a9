"""What `python -m pdm sample` does."""

from __future__ import annotations

import hashlib
import math
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import given
from pdm.commands.parser import MODEL_HELP, add_command, add_index, add_sampling
from pdm.commands.values import at_least, numbers
from pdm.methods import METHODS
from pdm.support.checks import shown

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from pdm.editing.prototype_set import PrototypeSet
    from pdm.evaluation.drawing import Pipeline
    from pdm.pipelines.recipe import Recipe

DEFAULT_MODEL = "fashion-mnist"
BATCH = 64  # pictures denoised at once


def add_sample(subparsers) -> None:
    parser = add_command(
        subparsers,
        "sample",
        sample,
        "generate pictures",
        "Generate pictures as PNG files with their recipe inside, a grid of them all, and recipe.json. Picture i has\n"
        "seed SEED + i, so any one of them can be made again alone.",
        "sample --model fashion-mnist --prototypes 3,17 --weights .7,.3 --count 16 --seed 1 --out pictures",
    )
    option = parser.add_argument
    option("--model", help=MODEL_HELP)
    option("--recipe", type=Path, metavar="FILE", help="make the picture of a PNG once more, by the recipe inside it")
    option("--method", choices=METHODS, default="pdm", help="default: pdm")
    option("--prototypes", type=numbers(int), metavar="K,...", help="prototypes to mix (default: as in the data)")
    option("--set", type=Path, metavar="FILE", dest="prototype_set", help="edited prototypes, as saved by the app")
    option("--weights", type=numbers(float), metavar="W,...", help="one for each prototype (default: equal)")
    option("--negative", type=numbers(int), metavar="K,...", help="prototypes of which nothing is to be painted")
    option("--image", type=Path, metavar="FILE", help="take the image's own prototypes, or its neighbours (rdm)")
    option("--count", type=at_least(1), help="default: 16, or with --recipe 1")
    option("--memory", type=Path, metavar="DIR", help="with --method rdm: a memory written by `pdm memory --stream`")
    add_index(parser)
    add_sampling(parser, guidance=None)
    option("--out", type=Path, required=True, help="folder for the pictures")


def sample(arguments: Namespace) -> str:
    from pdm.data.images import to_pil
    from pdm.pipelines.loading import load_pipeline
    from pdm.pipelines.recipe import save_png
    from pdm.support.device import fastest_dtype, pick_device
    from pdm.support.files import write_json

    wanted = _take_recipe(arguments) if arguments.recipe else None
    arguments.model, arguments.count = arguments.model or DEFAULT_MODEL, arguments.count or 16
    device = pick_device(arguments.device)
    query = _query(arguments)
    pipeline = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    if arguments.prototype_set is not None:
        from pdm.pipelines.set_condition import set_of

        pipeline.prototype_set = set_of(pipeline.bank, arguments.prototype_set)
        if wanted is not None and pipeline.prototype_set.digest != wanted:
            raise ValueError(f"--set: expected the set {wanted} of the recipe, got {pipeline.prototype_set.digest}")
    if METHODS[arguments.method].retrieves:
        pipeline.search_in(arguments.memory, arguments.index)
    if arguments.guidance is None:
        arguments.guidance = pipeline.config.guidance_scale
    sampler = _checked_sampler(pipeline, arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is better known before the work
    pictures, recipes = _generate(pipeline, arguments, sampler, query)
    for i, (picture, recipe) in enumerate(zip(pictures, recipes, strict=True)):
        save_png(to_pil(picture), arguments.out / f"{i:04d}.png", recipe)
    _save_grid(pictures, arguments.out / "grid.png")
    write_json(arguments.out / "recipe.json", [recipe.to_dict() for recipe in recipes])
    return f"wrote {len(pictures)} pictures, grid.png and recipe.json to {arguments.out}"


def _take_recipe(arguments: Namespace) -> str | None:
    """Put what a recipe says in place of the options; returns the digest of the set that it needs.

    Raises ValueError for a recipe that holds less than all that made its picture, and for one of a model elsewhere.
    """
    from pdm.pipelines.recipe import read_recipe
    from pdm.support.paths import ASSETS

    for option in ("prototypes", "weights", "negative", "image"):
        if getattr(arguments, option) is not None:
            raise ValueError(f"--{option}: expected none beside --recipe, got one")
    recipe = read_recipe(arguments.recipe)
    if recipe.canvas or recipe.start or recipe.negative_weights or recipe.product or recipe.query:
        raise ValueError("--recipe: expected one of prototypes alone, got one that needs more; open it in the app")
    if (recipe.prototype_set is None) != (arguments.prototype_set is None):
        needed = "none, the recipe is of the model's own" if recipe.prototype_set is None else "the file of edited ones"
        raise ValueError(f"--set: expected {needed} beside --recipe")
    if arguments.model is None and not (Path(recipe.model).is_dir() or (ASSETS / recipe.model).is_dir()):
        raise ValueError(f"--model: expected it beside --recipe, whose model {shown(recipe.model)} is not here")
    arguments.model, arguments.method = arguments.model or recipe.model, recipe.method
    arguments.prototypes, arguments.weights = list(recipe.prototypes) or None, list(recipe.weights) or None
    arguments.negative = list(recipe.negative) or None
    arguments.seed, arguments.steps, arguments.count = recipe.seed, recipe.steps, arguments.count or 1
    arguments.guidance, arguments.sampler = recipe.guidance, recipe.sampler
    return recipe.prototype_set


def _query(arguments: Namespace) -> dict:
    """What the pictures start from, as arguments of the pipeline; raises ValueError for what the method cannot use."""
    method = METHODS[arguments.method]
    if not method.takes_set and (arguments.prototypes is not None or arguments.weights is not None):
        raise ValueError(f"--prototypes, --weights: expected --method pdm beside them, got --method {method.name}")
    if arguments.negative is not None and (not method.takes_set or method.redraws):
        raise ValueError(f"--negative: expected --method pdm beside it, got --method {method.name}")
    if not method.takes_set and arguments.prototype_set is not None:
        raise ValueError(f"--set: expected --method pdm beside it, got --method {method.name}")
    if not method.retrieves and (arguments.memory is not None or arguments.index != "exact"):
        raise ValueError(f"--memory, --index: expected --method rdm beside them, got --method {method.name}")
    if not method.has_null and arguments.guidance not in (None, 1):
        raise ValueError(
            f"--guidance: expected 1 for --method paper, which has no null branch, got {arguments.guidance}"
        )
    if arguments.image is None:
        redraw = True if method.redraws else None  # as published
        asked = given(prototypes=arguments.prototypes, weights=arguments.weights, redraw_each_step=redraw)
        return asked | given(negative=arguments.negative)
    if not (method.takes_set or method.retrieves) or arguments.prototypes is not None:
        raise ValueError("--image: expected it with --method pdm or rdm and without --prototypes")
    return {"image": open_image(arguments.image), **given(negative=arguments.negative)}


def open_image(path: Path) -> Image.Image:
    """A picture from a file; raises ValueError for anything else, and for one too large to decode."""
    from pdm.data.decode import open_picture

    try:
        return open_picture(path)
    except ValueError as error:
        raise ValueError(f"--image {path}: expected a picture, got: {error.__cause__ or error}") from error


def _checked_sampler(pipeline, arguments: Namespace) -> str:
    """The sampler's name; a wrong value is said before anything is written and before a progress bar starts."""
    from pdm.pipelines.checks import check_sampling
    from pdm.sampling.solvers import make_scheduler

    check_sampling(arguments.steps, arguments.guidance)
    if arguments.prototypes is not None:
        pipeline.check_mix(arguments.prototypes, arguments.weights)
    elif arguments.weights is not None:
        raise ValueError("--weights: expected --prototypes beside them, got weights alone")
    sampler = arguments.sampler or pipeline.sampler_for(arguments.steps)
    if not pipeline.by_student(sampler, arguments.steps):
        make_scheduler(sampler, pipeline.denoiser.config.preconditioning)
    return sampler


def _generate(pipeline, arguments: Namespace, sampler: str, query: dict) -> tuple[torch.Tensor, list[Recipe]]:
    """The pictures, uint8 (N, C, H, W), painted in batches of at most 64, and the recipe of each."""
    import torch

    from pdm.evaluation.drawing import seeded

    takes_set = METHODS[arguments.method].takes_set
    edited = pipeline.prototype_set if takes_set else None
    pipeline.set_progress_bar_config(desc="denoising", unit="step")
    pictures, recipes = [], []
    for start in range(0, arguments.count, BATCH):
        size = min(BATCH, arguments.count - start)
        output = pipeline(
            num_images=size,
            generator=seeded(arguments.seed + start, size),
            num_inference_steps=arguments.steps,
            guidance_scale=arguments.guidance,
            sampler=sampler,
            unconditional=not METHODS[arguments.method].conditioned,
            output_type="pt",
            **query,
        )
        pictures.append(output.images)
        mix = arguments.prototypes or [], arguments.weights or []
        if "image" in query and takes_set:  # the image's own prototypes make it again without the file
            mix = output.condition.ids[0].tolist(), output.condition.weights[0].tolist()
        first = _recipe(arguments, mix, sampler, _started_from(arguments, pipeline), edited)
        recipes += [replace(first, seed=arguments.seed + start + i) for i in range(size)]
    return torch.cat(pictures), recipes


def _recipe(
    arguments: Namespace,
    mix: tuple[list[int], list[float]],
    sampler: str,
    query: str | None,
    edited: PrototypeSet | None,
) -> Recipe:
    """The recipe of the first picture; the others have other seeds."""
    from pdm.pipelines.recipe import Recipe

    return Recipe(
        model=arguments.model,
        method=arguments.method,
        prototypes=tuple(mix[0]),
        weights=tuple(mix[1]),
        negative=tuple(arguments.negative or ()),
        seed=arguments.seed,
        steps=arguments.steps,
        guidance=arguments.guidance,
        sampler=sampler,
        query=query,
        prototype_set=None if edited is None else edited.digest,
    )


def _started_from(arguments: Namespace, pipeline: Pipeline) -> str | None:
    """The image and the memory that a retrieval started from, which a recipe cannot hold."""
    names = [] if arguments.image is None else [_name(arguments.image)]
    if arguments.memory is not None:
        names.append(f"memory {arguments.memory.name} {pipeline.searched.digest()}")
    return ", ".join(names) or None


def _name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path.name} sha256:{digest[:16]}"


def _save_grid(pictures: torch.Tensor, path: Path) -> None:
    from pdm.data.tiles import tiled
    from pdm.support.files import atomic_file

    grid = tiled(pictures, math.ceil(math.sqrt(len(pictures))))
    with atomic_file(path) as part:
        grid.save(part)
