"""What of a model's folder is for everybody: its pipelines and its map, without training images and local paths."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from pdm.making.card_names import with_names
from pdm.making.model_card import GRID, STEPS
from pdm.making.names import PLAN, WORK, complete
from pdm.map.entries import FILE as ENTRIES
from pdm.map.generated import generated_data
from pdm.map.projection import fit_map, load_map, save_map
from pdm.methods import METHODS
from pdm.pipelines.card import CARD, denoiser_card
from pdm.pipelines.loading import INDEX, load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.readable import without_infinity
from pdm.results.shapes import KINDS, SHIPPED, read_shipped
from pdm.support.files import check_all_regular, read_json, write_json
from pdm.support.local_paths import last_name, without_paths
from pdm.training.preview import sample_grid

PICTURES = 1_000  # that the model paints for its map, where training images are not to be seen
CLASSIFIER = "classifier"
OF_CLASSIFIER = ("config.json", "card.json", "diffusion_pytorch_model.safetensors")
Say = Callable[[str], None]


def methods_in(folder: Path) -> list[str]:
    """The methods that a model's folder has a pipeline of. Raises ValueError for a folder that is no finished model."""
    if not (folder / "pdm" / INDEX).is_file():
        raise ValueError(f"{folder}: expected a model's folder with pdm/ in it, as `new` makes it, got none")
    if (folder / WORK / PLAN).is_file() and not complete(folder):
        raise ValueError(f"{folder}: expected a finished model, got one that `new` began; run that command again first")
    return [method for method in METHODS if (folder / method / INDEX).is_file()]


def write_published(
    folder: Path, out: Path, *, with_images: bool = False, pictures: int = PICTURES, say: Say = lambda message: None
) -> PDMPipeline:
    """Write what may be published of a model into `out`; returns its pipeline.

    Nothing is taken over but weights, configurations and cards, and of these nothing that says where files lie. The map
    shows `pictures` that the model paints, unless `with_images`: then small copies of the training images, as they are.
    Raises ValueError for a model that does not load.
    """
    places = known_places(folder)
    for method in methods_in(folder):
        for name in pipeline_files(folder / method):
            _take(folder / method / name, out / method / name, places)
        load_pipeline(out, method)
    for name in OF_CLASSIFIER:
        if (folder / CLASSIFIER / name).is_file():
            _take(folder / CLASSIFIER / name, out / CLASSIFIER / name, places)
    pipeline = load_pipeline(out, "pdm")
    _write_map(folder, out, pipeline, with_images, pictures, say)
    _write_grid(folder / GRID, out / GRID, pipeline)
    return pipeline


def write_results(folder: Path, out: Path) -> list[str]:
    """Take the files of results in a folder over, without local paths; returns their names."""
    found = []
    for name, kind in KINDS.items():
        values = read_shipped(folder, name)
        if values is not None:
            values["command"] = named_only(str(values.get("command", "")))
            write_json(out / kind.file, without_paths(values, known_places(folder)))
            found.append(name)
    return found


def results_of(folder: Path) -> Path:
    """Where a model's results lie where no other folder is named: as the page looks for them."""
    return folder.resolve().parent / SHIPPED / folder.resolve().name


def known_places(folder: Path) -> list[Path]:
    """Folders of this machine that a file might name."""
    return [folder.resolve(), folder.resolve().parent, Path.cwd(), Path.home()]


def named_only(command: str) -> str:
    """A command whose paths are their last names."""
    return " ".join(last_name(word) if "/" in word or "\\" in word else word for word in command.split())


def pipeline_files(folder: Path) -> Iterator[str]:
    """The files of a saved pipeline, below its folder: of the parts that its index names, weights and configurations.

    What else lies there, such as checkpoints, logs and pictures, is none of it.
    """
    check_all_regular(folder)
    parts = [name for name, value in read_json(folder / INDEX).items() if isinstance(value, list)]
    yield INDEX
    yield from (name for name in (CARD, ENTRIES) if (folder / name).is_file())
    for part in sorted(parts):
        for path in sorted((folder / part).glob("*")):
            if path.suffix in (".json", ".safetensors") and not path.name.startswith("."):
                yield f"{part}/{path.name}"


def _take(path: Path, target: Path, places: list[Path]) -> None:
    """A copy of a file; of JSON without local paths."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        values = without_infinity(read_json(path))  # an earlier version's may have some
        write_json(target, without_paths(with_names(values) if path.name == CARD else values, places))
    else:
        shutil.copyfile(path, target)


def _write_map(folder: Path, out: Path, pipeline: PDMPipeline, with_images: bool, pictures: int, say: Say) -> None:
    there = load_map(folder / "map") if (folder / "map").is_dir() else None
    if there is None and with_images:
        raise ValueError(
            f"{folder}: expected a map with its training images, got none; make it with: python -m pdm map"
        )
    if there is None or not (there.generated or with_images):
        say(f"painting {pictures:,} pictures for the map, as it must not show training images")
        name = denoiser_card(out / "pdm").get("data_set", folder.resolve().name)
        there = fit_map(pipeline.bank, generated_data(pipeline, pictures, name=name), generated=True)
    save_map(there, out / "map", lossy=True)


def _write_grid(path: Path, target: Path, pipeline: PDMPipeline) -> None:
    """The grid of samples that is there, its pixels alone, or one that is painted now."""
    if path.is_file():
        with Image.open(path, formats=("PNG",)) as found:
            grid = found.convert("L" if found.mode == "L" else "RGB")
        grid.info.clear()
    else:
        grid = sample_grid(pipeline, steps=STEPS)
    grid.save(target)
