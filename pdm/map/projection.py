"""The map: images laid out once by UMAP, places of later vectors among them, and its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from pdm.data.images import ImageData
from pdm.data.tiles import tiled
from pdm.map.layout import lay_out
from pdm.map.sheet import COLUMNS as SPRITE_COLUMNS  # noqa: F401 - of most maps
from pdm.map.sheet import Grid, grid_of, read_grid, read_sheet
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.support.checks import expect, is_text, reason
from pdm.support.files import atomic_folder, check_all_regular, read_json, write_json
from pdm.support.leftovers import recover

SHEETS = {False: "images.png", True: "images.webp"}  # by whether it is lossy
SHEET_QUALITY = 80  # of a lossy sheet: 10,000 pictures of 64 px in colour take under 9 MB
NEIGHBOURS = 12  # images whose coordinates place a new point


def kind_of(generated: bool, count: int = 2) -> str:
    """What the dots of a map are."""
    one, many = (
        ("picture the model made", "pictures the model made") if generated else ("training image", "training images")
    )
    return one if count == 1 else many


@dataclass(frozen=True)
class PrototypeMap:
    """N images on a plane: `xy` (N, 2), `features` (N, D), `labels` (N,), -1 for none, `images` uint8 (N, C, H, W).

    `generated`: the model painted them, for a data set whose images do not ship with it. `sheets`: the files that hold
    them, once there are any, in the `grid` that `grid_of` says or an earlier version chose.
    """

    data_set: str
    class_names: tuple[str, ...]
    xy: torch.Tensor
    features: torch.Tensor
    labels: torch.Tensor
    images: torch.Tensor
    generated: bool = False
    sheets: tuple[Path, ...] = ()
    saved_grid: Grid | None = None

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def sheet(self) -> Path | None:
        """The first of the sheets, which is the only one of most maps."""
        return self.sheets[0] if self.sheets else None

    @property
    def grid(self) -> Grid:
        """How the tiles lie on the sheets."""
        return self.saved_grid or grid_of(len(self), *self.images.shape[:1:-1])

    def nearest(self, vectors: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The k images nearest to each vector (B, D) in feature space: ids (B, k), nearest first, and distances."""
        # In float64, where an image is at distance 0 from itself and not at sqrt(eps).
        found = torch.cdist(vectors.double(), self.features.double()).topk(min(k, len(self)), largest=False)
        return found.indices, found.values.float()

    def place(self, vectors: torch.Tensor) -> torch.Tensor:
        """Where vectors (B, D) lie on the map (B, 2): the distance-weighted mean of their nearest images' places.

        Stored coordinates never move, so the layout does not jump when something is added.
        """
        ids, distances = self.nearest(vectors, NEIGHBOURS)
        weights = 1.0 / distances.clamp_min(1e-6)
        return (self.xy[ids] * (weights / weights.sum(1, keepdim=True))[..., None]).sum(1)


def fit_map(
    bank: PrototypeBank,
    data: ImageData,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    *,
    generated: bool = False,
) -> PrototypeMap:
    """Lay out the images of `data` by their features. Takes about a minute for 10,000 images on two cores."""
    if len(data) < 10:
        raise ValueError(f"map: expected at least 10 images, got {len(data)}")
    grid_of(len(data), *data.images.shape[:1:-1])  # before a minute's work
    say = progress or (lambda message: None)
    say(f"features of {len(data)} images")
    with torch.no_grad():
        features = embed_all(bank.encode, data.images)
    say("UMAP layout")
    xy = torch.from_numpy(lay_out(features.numpy(), seed=seed))
    return PrototypeMap(data.name, data.class_names, xy, features, data.labels, data.images, generated)


def save_map(prototype_map: PrototypeMap, folder: Path, *, lossy: bool = False) -> Path:
    """Write `map.safetensors`, the sprite sheets and `map.json`; whole or not at all.

    A `lossy` sheet takes a tenth of the bytes. Raises ValueError for more or larger pictures than a map can hold.
    """
    n, _, height, width = prototype_map.images.shape
    grid = grid_of(n, width, height)
    with atomic_folder(Path(folder)) as part:
        options: dict[str, Any] = {"quality": SHEET_QUALITY} if lossy else {"optimize": True}
        parts = prototype_map.images.split(grid.per_sheet)
        for images, path in zip(parts, sheet_paths(part, lossy, len(parts)), strict=True):
            tiled(images, grid.columns).save(path, **options)
        features, scales = in_bytes(prototype_map.features)
        tensors = {
            "xy": prototype_map.xy,
            "features": features,
            "scales": scales,
            "labels": prototype_map.labels.to(torch.int16),
        }
        save_file(tensors, str(part / "map.safetensors"))
        meta = {
            "data_set": prototype_map.data_set,
            "class_names": list(prototype_map.class_names),
            "images": n,
            "tile": [width, height],
            "columns": grid.columns,
            "per_sheet": grid.per_sheet,
            "generated": prototype_map.generated,
            "lossy": lossy,
        }
        write_json(part / "map.json", meta)
    return Path(folder)


def in_bytes(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (N, D) as 8-bit whole numbers and a scale for each image (N,): a hundredth of their length off."""
    scales = (features.float().abs().amax(1) / 127).clamp(min=1e-12)
    return (features / scales[:, None]).round().to(torch.int8), scales


def sheet_paths(folder: Path, lossy: bool, count: int) -> tuple[Path, ...]:
    """The files of so many sheets: images.png, images-2.png, ..."""
    first = folder / SHEETS[lossy]
    return (first, *(first.with_stem(f"{first.stem}-{number}") for number in range(2, count + 1)))


def _read_tiles(meta: dict, paths: tuple[Path, ...], grid: Grid) -> torch.Tensor:
    """The pictures (N, C, H, W) on the sheets."""
    width, height = meta["tile"]
    parts = []
    for count, path in zip(grid.counts(meta["images"]), paths, strict=True):
        sheet = read_sheet(path, count, grid.columns, width, height)
        tiles = sheet.reshape(-1, height, grid.columns, width, sheet.shape[-1]).transpose(0, 2, 4, 1, 3).copy()
        parts.append(torch.from_numpy(tiles).flatten(0, 1)[:count])
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _check(meta: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Raise ValueError unless names are names and places are finite places: they are drawn on the page."""
    names = meta["class_names"]
    expect("data_set", meta["data_set"], "a name", is_text(meta["data_set"], 1000))
    expect("class_names", names, "a list of names", isinstance(names, list) and all(is_text(n, 1000) for n in names))
    xy, features, labels = tensors["xy"], tensors["features"], tensors["labels"]
    shapes = [tuple(t.shape[1:]) for t in (xy, features, labels)]
    expect("tensors", shapes, "places, features and labels", shapes[::2] == [(2,), ()] and features.ndim == 2)
    finite = all(bool(torch.isfinite(t).all()) for t in (xy, features))
    expect("tensors", "others", "finite numbers", finite)
    low, high = int(labels.min()), int(labels.max())
    expect("labels", (low, high), f"-1 to {len(names) - 1}", -1 <= low and (high < len(names) or not names))


def load_map(folder: Path) -> PrototypeMap:
    """Read what `save_map` wrote. Raises ValueError with one line for missing or damaged files."""
    folder = Path(folder)
    recover(folder)
    try:
        check_all_regular(folder)
        meta = read_json(folder / "map.json")
        tensors = load_file(str(folder / "map.safetensors"))
        n, generated, grid = meta["images"], meta.get("generated", False), read_grid(meta)
        paths = sheet_paths(folder, meta.get("lossy", False), len(grid.counts(n)))
        images = _read_tiles(meta, paths, grid)
        if counts := {k: len(v) for k, v in {**tensors, "pictures": images}.items() if len(v) != n}:
            raise ValueError(f"{counts} instead of {n}")
        tensors["features"] = tensors["features"].float()
        if "scales" in tensors:  # earlier versions kept half precision
            tensors["features"] *= tensors["scales"].float()[:, None]
        _check(meta, tensors)
        return PrototypeMap(
            meta["data_set"],
            tuple(meta["class_names"]),
            tensors["xy"],
            tensors["features"],
            tensors["labels"].long(),
            images,
            generated,
            paths,
            grid,
        )
    except Exception as error:  # readers of pictures and tensors raise anything for what is damaged
        raise ValueError(
            f"map {folder}: expected map.json, map.safetensors and the images, got: {reason(error)}"
        ) from error
