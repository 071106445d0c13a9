"""Real images in the place of generated ones on a map, where the data set does not ship: the visitor has or gets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from pdm.data.images import ImageData
from pdm.data.known import HUB_IDS, readable
from pdm.data.load import load
from pdm.editing.prototype_set import model_hash
from pdm.map.entries import check_found, find_entries
from pdm.map.projection import PrototypeMap, load_map, save_map, sheet_paths
from pdm.map.sheet import most_tiles
from pdm.model.encoders import embed_all
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.files import CACHE_FOLDER

CACHE = CACHE_FOLDER / "maps"
SPLITS = ("train", "validation", "test")
MOST = 10_000  # images on the map of a model without a memory
Say = Callable[[str], None]


def source_of(name: str, folder: Path | None = None) -> str | None:
    """Where the images of model `name` come from: `folder`/name, `folder` itself, or the hub; None if from nowhere.

    `folder` may be any data set that `pdm.data.load.load` reads, and hold zips and Parquet files named as models are.
    """
    if folder is not None:
        inside = (folder / name, folder / f"{name}.zip", folder / f"{name}.parquet")
        return str(next((path for path in inside if path.exists()), folder))
    return name if name in HUB_IDS else None


def cached_map(name: str, pdm: PDMPipeline, cache: Path | None = None) -> PrototypeMap | None:
    """The map with real images that was made earlier for this model, or None."""
    folder = _folder(name, pdm, cache)
    try:
        return load_map(folder) if folder.is_dir() else None
    except ValueError:  # damaged: it can be made again
        return None


def real_map(
    name: str,
    source: str,
    generated: PrototypeMap,
    pdm: PDMPipeline,
    rdm: RDMPipeline | None,
    say: Say = lambda message: None,
    cache: Path | None = None,
) -> PrototypeMap:
    """Real images laid among the generated ones, whose places stay; kept in `cache` (`CACHE`) for the next start.

    They are those of RDM's memory, each in the row that its entry came from, so that a neighbour's picture is found as
    on any map. Raises ValueError where the data set cannot be had or is another one.
    """
    data = _loaded(source, size := pdm.seen_size, say)
    if rdm is None:
        data = data.subset(slice(min(MOST, most_tiles(size, size))))
    else:
        say("the images of RDM's memory")
        rows, found = find_entries(rdm, data)
        if not found.all() and (more := _other_splits(source, size)):  # copies of a data set are split differently
            data = _joined([data, *more])
            rows, found = find_entries(rdm, data)
        check_found(found, source)
        data = data.subset(rows)
    say("features")
    with torch.no_grad():
        features = embed_all(pdm.bank.encode, data.images)
    xy = torch.cat([generated.place(part) for part in features.split(1000)])
    names = generated.class_names or data.class_names
    made = PrototypeMap(data.name, names, xy, features, _labels(data, names), data.images)
    say("writing it down")
    try:
        folder = save_map(made, _folder(name, pdm, cache), lossy=True)
    except OSError as error:  # it is shown all the same
        say(f"not kept for the next start: {error}")
        return made
    return replace(made, sheets=sheet_paths(folder, True, len(made.grid.counts(len(made)))))


def _loaded(source: str, size: int, say: Say) -> ImageData:
    say("the data set")
    data = load(source, "train", size)
    if data.found is not None:
        say(data.found.line())
    return data


def _folder(name: str, pdm: PDMPipeline, cache: Path | None) -> Path:
    return (cache or CACHE) / f"{name}-{model_hash(pdm.bank)}"


def _other_splits(source: str, size: int) -> list[ImageData]:
    parts = []
    for split in SPLITS[1:]:
        try:
            parts.append(load(source, split, size))
        except ValueError:  # not every data set has all of them
            continue
    return parts


def _labels(data: ImageData, names: tuple[str, ...]) -> torch.Tensor:
    """The labels in the model's order of classes, which a copy in class folders need not have; -1 for others."""
    ours = {readable(name): label for label, name in enumerate(names)}
    known = torch.tensor([ours.get(readable(name), -1) for name in (*data.class_names, "")])
    return known[data.labels]  # -1, no label, is the last of them


def _joined(parts: list[ImageData]) -> ImageData:
    images, labels = torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts])
    return ImageData(parts[0].name, images, labels, parts[0].class_names)
