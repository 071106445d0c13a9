"""What `python -m pdm sample` does."""

from __future__ import annotations

import hashlib
import math
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import given
from pdm.methods import METHODS

if TYPE_CHECKING:
    from PIL import Image

    from pdm.evaluation.drawing import Pipeline
    from pdm.pipelines.recipe import Recipe

BATCH = 64  # pictures denoised at once


def sample(arguments: Namespace) -> str:
    from pdm.pipelines.loading import load_pipeline
    from pdm.pipelines.recipe import save_png
    from pdm.support.device import fastest_dtype, pick_device
    from pdm.support.files import write_json

    device = pick_device(arguments.device)
    query = _query(arguments)
    pipeline = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    if arguments.prototype_set is not None:
        from pdm.pipelines.set_condition import set_of

        pipeline.prototype_set = set_of(pipeline.bank, arguments.prototype_set)
    if METHODS[arguments.method].retrieves:
        pipeline.search_in(arguments.memory, arguments.index)
    if arguments.guidance is None:
        arguments.guidance = pipeline.config.guidance_scale
    sampler = _checked_sampler(pipeline, arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is better known before the work
    pictures, recipes = _generate(pipeline, arguments, sampler, query)
    for i, (picture, recipe) in enumerate(zip(pictures, recipes, strict=True)):
        save_png(picture, arguments.out / f"{i:04d}.png", recipe)
    _save_grid(pictures, arguments.out / "grid.png")
    write_json(arguments.out / "recipe.json", [recipe.to_dict() for recipe in recipes])
    return f"wrote {len(pictures)} pictures, grid.png and recipe.json to {arguments.out}"


def _query(arguments: Namespace) -> dict:
    """What the pictures start from, as arguments of the pipeline; raises ValueError for what the method cannot use."""
    method = METHODS[arguments.method]
    if not method.takes_set and (arguments.prototypes is not None or arguments.weights is not None):
        raise ValueError(f"--prototypes, --weights: expected --method pdm beside them, got --method {method.name}")
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
        return given(prototypes=arguments.prototypes, weights=arguments.weights, redraw_each_step=redraw)
    if not (method.takes_set or method.retrieves) or arguments.prototypes is not None:
        raise ValueError("--image: expected it with --method pdm or rdm and without --prototypes")
    return {"image": open_image(arguments.image)}


def open_image(path: Path) -> Image.Image:
    """A picture from a file; raises ValueError for anything else, and for one too large to decode."""
    from PIL import Image

    from pdm.data.images import MAX_PIXELS, refused_when_huge

    try:
        with refused_when_huge(), Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"at most {MAX_PIXELS} pixels are allowed, not {image.width}x{image.height}")
            image.load()
            return image.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"--image {path}: expected a picture, got: {error}") from error


def _checked_sampler(pipeline, arguments: Namespace) -> str:
    """The sampler's name; a wrong value is said before anything is written and before a progress bar starts."""
    from pdm.pipelines.checks import check_sampling
    from pdm.sampling.solvers import make_scheduler

    check_sampling(arguments.steps, arguments.guidance, (0.0, math.inf))
    if arguments.prototypes is not None:
        pipeline.check_mix(arguments.prototypes, arguments.weights)
    elif arguments.weights is not None:
        raise ValueError("--weights: expected --prototypes beside them, got weights alone")
    sampler = arguments.sampler or pipeline.sampler_for(arguments.steps)
    if not pipeline.by_student(sampler, arguments.steps):
        make_scheduler(sampler, pipeline.denoiser.config.preconditioning)
    return sampler


def _generate(pipeline, arguments: Namespace, sampler: str, query: dict) -> tuple[list[Image.Image], list[Recipe]]:
    """The pictures in batches of at most 64, and the recipe of each."""
    from pdm.evaluation.drawing import seeded
    from pdm.pipelines.recipe import Recipe

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
            **query,
        )
        pictures += output.images
        ids, weights = tuple(arguments.prototypes or ()), tuple(arguments.weights or ())
        if "image" in query and takes_set:  # the image's own prototypes make it again without the file
            ids, weights = (tuple(row[0].tolist()) for row in (output.condition.ids, output.condition.weights))
        recipes += [
            Recipe(
                model=arguments.model,
                method=arguments.method,
                prototypes=ids,
                weights=weights,
                seed=arguments.seed + start + i,
                steps=arguments.steps,
                guidance=arguments.guidance,
                sampler=sampler,
                query=_started_from(arguments, pipeline),
                prototype_set=None if edited is None else edited.digest,
            )
            for i in range(size)
        ]
    return pictures, recipes


def _started_from(arguments: Namespace, pipeline: Pipeline) -> str | None:
    """The image and the memory that a retrieval started from, which a recipe cannot hold."""
    names = [] if arguments.image is None else [_name(arguments.image)]
    if arguments.memory is not None:
        names.append(f"memory {arguments.memory.name} {pipeline.searched.digest()}")
    return ", ".join(names) or None


def _name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path.name} sha256:{digest[:16]}"


def _save_grid(pictures: list[Image.Image], path: Path) -> None:
    from PIL import Image

    from pdm.support.files import atomic_file

    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0].size
    grid = Image.new(pictures[0].mode, (columns * width, rows * height))
    for i, picture in enumerate(pictures):
        grid.paste(picture, (i % columns * width, i // columns * height))
    with atomic_file(path) as part:
        grid.save(part)
