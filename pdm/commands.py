"""What each subcommand does. Everything heavy is imported inside, so that --help answers at once.

Each takes the parsed arguments and returns the line that says what was written where.
"""

from __future__ import annotations

import hashlib
import math
import shlex
from argparse import Namespace
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from pdm.config import TrainConfig
    from pdm.data import ImageData
    from pdm.drawing import Pipeline
    from pdm.recipe import Recipe

BATCH = 64  # pictures denoised at once
MAP_IMAGES = 6000  # on a map, where no number is given


def train(arguments: Namespace) -> str:
    config = train_config(arguments)
    if arguments.finish and math.isinf(arguments.max_minutes):
        raise ValueError("--finish: expected --max-minutes beside it, got none")
    out = arguments.out or Path("runs") / config.preset
    from pdm.config import data_of
    from pdm.data import load
    from pdm.train import train as run

    data = load(arguments.data or data_of(config.preset), size=config.image_size, limit=arguments.limit)
    cpu = arguments.device == "cpu"
    pipeline = run(config, data, out, max_minutes=arguments.max_minutes, finish=arguments.finish, cpu=cpu)
    return f"wrote the pipeline to {pipeline}, its training card and samples.png to {out}"


def train_config(arguments: Namespace) -> TrainConfig:
    """The preset with only those values replaced that were given, so that equal commands make equal configurations."""
    from pdm.config import preset

    config = preset(arguments.preset, arguments.objective, arguments.net)
    if arguments.memory is not None and config.method != "rdm":
        raise ValueError(f"--memory: expected --preset rdm beside it, got --preset {arguments.preset}")
    if arguments.memory is not None:
        from pdm.retrieval import memory_config

        config = replace(config, memory=memory_config(config.memory, arguments.memory))
    optim = given(
        images=arguments.images, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate,
        decay_fraction=arguments.decay,
    )  # fmt: skip
    own = given(
        start=None if arguments.start is None else str(arguments.start), image_size=arguments.size,
        augment=arguments.augment, precision=arguments.precision, seed=arguments.seed,
    )  # fmt: skip
    return replace(
        config,
        optim=replace(config.optim, **optim),
        prototypes=replace(config.prototypes, **given(count=arguments.prototypes)),
        **own,
    )


def given(**values) -> dict:
    """The options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def tune(arguments: Namespace) -> str:
    from pdm.data import load
    from pdm.tune import TUNE_OPTIM, tune_config
    from pdm.tune import tune as run

    optim = given(images=arguments.images, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate)
    config = tune_config(
        arguments.model, arguments.method, optim=replace(TUNE_OPTIM, **optim), seed=arguments.seed
    )  # fmt: skip
    data = load(arguments.data, size=config.image_size)
    out = arguments.out or Path("runs") / f"tune-{arguments.method}"
    pipeline = run(config, data, out, max_minutes=arguments.max_minutes, cpu=arguments.device == "cpu")
    return (
        f"wrote the pipeline with its student to {pipeline}, its training card and samples.png to {out}; paint with: "
        f"sample --model {pipeline} --method {arguments.method} --steps 2"
    )


def check_replaceable(out: Path, mark: str) -> None:
    """What these commands write takes the place of the whole folder, so another one must not be there."""
    if out.exists() and not (out / mark).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out}: expected a new or empty folder, or one with {mark} in it to replace")


@contextmanager
def progress_bars():
    """A report function (what, step, of, loss) that draws one bar for each `what`."""
    from tqdm.auto import tqdm

    bars: dict[str, tqdm] = {}

    def report(what: str, step: int, of: int, loss: float) -> None:
        if what not in bars:
            bars[what] = tqdm(total=of, desc=what)
        bars[what].update(step - bars[what].n)

    try:
        yield report
    finally:
        for bar in bars.values():
            bar.close()


def make_map(arguments: Namespace) -> str:
    from tqdm.auto import tqdm

    from pdm.data import load
    from pdm.device import fastest_dtype, pick_device
    from pdm.generated import generated_data
    from pdm.loading import load_pipeline
    from pdm.projection import fit_map, save_map

    check_replaceable(arguments.out, "map.json")
    generated = arguments.generated is not None
    if generated and (arguments.data is not None or arguments.count is not None):
        raise ValueError("--generated: expected it without --data and --count, got both")
    device = pick_device(arguments.device)
    pipeline = load_pipeline(arguments.model, "pdm", device, fastest_dtype(device))
    if generated:
        data = generated_data(pipeline, arguments.generated, arguments.seed, Path(arguments.model).name)
    else:
        size, count = pipeline.denoiser.config.image_size, arguments.count or MAP_IMAGES
        data = load(arguments.data or "fashion-mnist", size=size, limit=count)
    check_channels(data, pipeline.denoiser.config.channels)
    with tqdm(total=3, desc="map") as bar:

        def say(message: str) -> None:
            bar.set_description(message)
            bar.update()

        fitted = fit_map(pipeline.bank, data, arguments.seed, say, generated=generated)
        bar.update(bar.total - bar.n)
    what = "generated pictures" if generated else "images"
    return f"wrote a map of {len(data)} {what} to {save_map(fitted, arguments.out, lossy=generated)}"


def check_channels(data: ImageData, channels: int) -> None:
    if data.images.shape[1] != channels:
        kinds = {1: "grey", 3: "colour"}
        got = kinds.get(data.images.shape[1], data.images.shape[1])
        raise ValueError(f"--data: expected {kinds.get(channels, channels)} images as the model's, got {got} ones")


def bench(arguments: Namespace) -> str:
    from pdm.bench import run, sections
    from pdm.loading import ASSETS

    chosen = sections(arguments.only)
    table = run(
        arguments.json, chosen, assets=arguments.assets or ASSETS / "fashion-mnist", data_set=arguments.data,
        command=_all_sections(arguments), device=arguments.device, quick=arguments.quick,
    )  # fmt: skip
    return f"{table}\nwrote {', '.join(chosen)} to {arguments.json}"


def _all_sections(arguments: Namespace) -> str:
    """The command for all sections, with every option that shapes the numbers."""
    names = ("json", "assets", "data", "device")
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["python", "-m", "pdm", "bench", *(text for option in options for text in option)])


def sample(arguments: Namespace) -> str:
    from pdm.device import fastest_dtype, pick_device
    from pdm.files import write_json
    from pdm.loading import load_pipeline
    from pdm.recipe import save_png

    device = pick_device(arguments.device)
    query = _query(arguments)
    pipeline = load_pipeline(arguments.model, arguments.method, device, fastest_dtype(device))
    if arguments.prototype_set is not None:
        from pdm.set_sampling import set_of

        pipeline.prototype_set = set_of(pipeline.bank, arguments.prototype_set)
    if arguments.method == "rdm":
        pipeline.search_in(arguments.memory, arguments.index)
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
    method = arguments.method
    if method != "pdm" and (arguments.prototypes is not None or arguments.weights is not None):
        raise ValueError(f"--prototypes, --weights: expected --method pdm beside them, got --method {method}")
    if method != "pdm" and arguments.prototype_set is not None:
        raise ValueError(f"--set: expected --method pdm beside it, got --method {method}")
    if method != "rdm" and (arguments.memory is not None or arguments.index != "exact"):
        raise ValueError(f"--memory, --index: expected --method rdm beside them, got --method {method}")
    if method == "paper" and arguments.guidance != 1:
        raise ValueError(
            f"--guidance: expected 1 for --method paper, which has no null branch, got {arguments.guidance}"
        )
    if arguments.image is None:
        redraw = True if method == "paper" else None  # as published
        return given(prototypes=arguments.prototypes, weights=arguments.weights, redraw_each_step=redraw)
    if method not in ("pdm", "rdm") or arguments.prototypes is not None:
        raise ValueError("--image: expected it with --method pdm or rdm and without --prototypes")
    return {"image": open_image(arguments.image)}


def open_image(path: Path) -> Image.Image:
    """A picture from a file; raises ValueError for anything else, and for one too large to decode."""
    from PIL import Image

    from pdm.data import MAX_PIXELS, refused_when_huge

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
    from pdm.pipeline_checks import check_sampling
    from pdm.sampling import make_scheduler

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
    from pdm.drawing import seeded
    from pdm.recipe import Recipe

    edited = pipeline.prototype_set if arguments.method == "pdm" else None
    pipeline.set_progress_bar_config(desc="denoising", unit="step")
    pictures, recipes = [], []
    for start in range(0, arguments.count, BATCH):
        size = min(BATCH, arguments.count - start)
        output = pipeline(
            num_images=size, generator=seeded(arguments.seed + start, size), num_inference_steps=arguments.steps,
            guidance_scale=arguments.guidance, sampler=sampler, unconditional=arguments.method == "unconditional",
            **query,
        )  # fmt: skip
        pictures += output.images
        ids, weights = arguments.prototypes or [], arguments.weights or []
        if "image" in query and arguments.method == "pdm":  # the image's own prototypes make it again without the file
            ids, weights = output.condition.ids[0].tolist(), output.condition.weights[0].tolist()
        recipes += [
            Recipe(
                model=arguments.model, method=arguments.method, prototypes=ids, weights=weights,
                seed=arguments.seed + start + i, steps=arguments.steps, guidance=arguments.guidance, sampler=sampler,
                query=_started_from(arguments, pipeline),
                prototype_set=None if edited is None else edited.digest,
            )
            for i in range(size)
        ]  # fmt: skip
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

    from pdm.files import atomic_file

    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0].size
    grid = Image.new(pictures[0].mode, (columns * width, rows * height))
    for i, picture in enumerate(pictures):
        grid.paste(picture, (i % columns * width, i // columns * height))
    with atomic_file(path) as part:
        grid.save(part)
