"""Files from strangers: whole ones changed at random, each read or refused in a line, soon, and nothing of it run."""

from __future__ import annotations

import logging
import random
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from PIL import Image

from pdm.app.votes import Vote, Votes
from pdm.data.images import ImageData
from pdm.editing.prototype_set import PrototypeSet, model_hash
from pdm.editing.set_file import load_set, save_set
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.mutations import changed_file
from pdm.map.projection import PrototypeMap, load_map, save_map
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.loading import load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.pipelines.recipe import Recipe, read_recipe, save_png
from pdm.results.shapes import KINDS, SHIPPED, read_shipped
from pdm.retrieval.build import build
from pdm.retrieval.encoded import Retrieval, load_retrieval, save_retrieval
from pdm.retrieval.large_memory import LargeMemory
from pdm.support.paths import ASSETS

FILES = 2000
SECONDS = 20  # a file may take; a whole one takes a tenth of one
IMAGES = 96  # on the map and in the memories that are changed
MOST = 3000  # characters of a refusal
SHOWN_FAULTS = 40
Read = Callable[[Path], object]


def read_large(folder: Path) -> None:
    memory = LargeMemory(folder)
    assert memory.popularity.shape == (len(memory),)
    memory.search(memory.vectors(torch.arange(2)), 2)


def read_votes(folder: Path) -> None:
    with patch("pdm.app.votes.WAIT", 0.01):  # seconds that it waits where a file seems to be locked
        votes = Votes(folder / "votes.sqlite")
        votes.tallies("tiny")
        votes.add(Vote("q", "tiny", "pdm", "rdm", "left", "v"))


def read_map(folder: Path) -> None:
    found = load_map(folder)
    found.place(found.features[:2])


def read_pipeline(folder: Path) -> None:
    pipeline = load_pipeline(folder, folder.name)
    denoiser_card(folder)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    pipeline(num_images=1, generator=generator, num_inference_steps=1, output_type="pt")


READERS: dict[str, Read] = {
    "set": lambda folder: load_set(folder / "a.safetensors"),
    "map": read_map,
    "lossy": read_map,
    "large": read_large,
    "votes": read_votes,
    "recipe": lambda folder: [read_recipe(folder / name) for name in ("a.png", "b.json")],
    "results": lambda folder: [read_shipped(folder, name) for name in KINDS],
    "pdm": read_pipeline,
    "rdm": read_pipeline,
}


def whole_files(
    place: Path, models: Path, pdm: PDMPipeline, rdm: RDMPipeline, shown: PrototypeMap, results: Path
) -> dict[str, Path]:
    """Folders with whole files, by kind. `models` holds pdm/ and rdm/; the map shows the memory's first images."""
    kinds = {name: place / name for name in ("set", "map", "lossy", "memory", "large", "votes", "recipe")}
    for name in ("set", "votes", "recipe"):
        kinds[name].mkdir()
    prototypes = PrototypeSet.of_bank(pdm.bank, "tiny", model_hash(pdm.bank))
    save_set(prototypes, kinds["set"] / "a.safetensors", ("moved Top",))
    save_map(shown, kinds["map"])
    save_map(shown, kinds["lossy"], lossy=True)
    memory, count = rdm.memory, len(shown)
    first = memory.embeddings[:count]
    neighbours = memory.neighbours_of(first, torch.arange(count), 4)
    save_retrieval(Retrieval(memory, neighbours, rdm.encoder), kinds["memory"], images_of(shown))
    about = {"data": "d", "size": 16, "encoder": "a"}
    options = {"limit": 40, "neighbours": 3, "index": "exact", "report": lambda *_: None}
    build(kinds["large"], about, lambda start: iter([first[start:]]), **options)
    Votes(kinds["votes"] / "votes.sqlite").add(Vote("p", "tiny", "pdm", "rdm", "left", "v"))
    recipe = Recipe("tiny", "pdm", (1, 2), (0.5, 0.5), seed=3)
    save_png(Image.new("L", (16, 16)), kinds["recipe"] / "a.png", recipe)
    (kinds["recipe"] / "b.json").write_text(recipe.to_json())
    copied = {"results": results, "pdm": models / "pdm", "rdm": models / "rdm"}
    return kinds | {name: shutil.copytree(folder, place / name) for name, folder in copied.items()}


def images_of(shown: PrototypeMap) -> ImageData:
    return ImageData(shown.data_set, shown.images, shown.labels, shown.class_names)


def _first_of(shown: PrototypeMap, count: int) -> PrototypeMap:
    first = {name: getattr(shown, name)[:count] for name in ("xy", "features", "labels", "images")}
    return replace(shown, **first, sheets=())


def changed_copy(folder: Path, place: Path, seed: int) -> Path:
    """A copy of a folder in `place`, in the place of the last one, of which one file was changed."""
    copy = place / folder.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    draw = random.Random(seed)
    changed_file(draw.choice(sorted(p for p in copy.rglob("*") if p.is_file())), draw)
    return copy


@contextmanager
def in_time() -> Iterator[None]:
    """Raises AssertionError after `SECONDS`, in the main thread."""

    def late(*_) -> None:
        raise AssertionError(f"it takes more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault(read: Callable[[], object]) -> str | None:
    """What is wrong with how a file is read: any other error than a ValueError of one line; None where nothing is."""
    try:
        with in_time(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
    except ValueError as error:
        text = str(error)
        one_line = text and "\n" not in text and "Traceback" not in text and len(text) < MOST
        return None if one_line else f"not one line: {text[:200]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


def hostile_faults(whole: Mapping[str, Path], readers: Mapping[str, Read], count: int, place: Path) -> list[str]:
    """Change and read so many files, the kinds in turn; returns what is wrong, each with its kind and its seed."""
    found = []
    for number in range(count):
        kind = list(readers)[number % len(readers)]
        copy = changed_copy(whole[kind], place, number)
        if said := fault(lambda: readers[kind](copy)):  # noqa: B023
            found.append(f"{kind}, seed {number}: {said}")
    return found


def files(bench: Bench) -> tuple[Numbers, dict]:
    """Two thousand changed files, and how many end otherwise than read or refused in a line."""
    shown = _first_of(load_map(bench.assets / "map"), IMAGES)
    with tempfile.TemporaryDirectory() as made:
        place, changed = Path(made) / "whole", Path(made) / "changed"
        for folder in (place, changed):
            folder.mkdir()
        whole = whole_files(place, bench.assets, bench.pdm, bench.rdm, shown, ASSETS / SHIPPED / "fashion-mnist")
        readers = READERS | {"memory": lambda folder: load_retrieval(folder, images_of(shown))}
        for kind, read in readers.items():
            read(shutil.copytree(whole[kind], changed / kind))  # a whole one is read, or this ends here
        count = bench.pick(FILES, len(readers))
        logging.disable(logging.ERROR)  # what libraries say of such files
        try:
            faults = hostile_faults(whole, readers, count, changed)
        finally:
            logging.disable(logging.NOTSET)
    return {"hostile.files": count, "hostile.files_tracebacks": len(faults)}, {
        "kinds": list(readers),
        "limit_s": SECONDS,
        "faults": faults[:SHOWN_FAULTS],
    }
