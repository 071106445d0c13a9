"""The recipe of one picture: everything that makes it again, as JSON and inside its PNG."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.methods import METHODS
from pdm.pipelines.canvas_recipe import CanvasRecipe, masks_of, with_masks
from pdm.pipelines.start_recipe import DIGEST, StartRecipe
from pdm.support.checks import expect, is_number, is_whole, one_of, reason, shown
from pdm.support.files import atomic_file, check_regular

PNG_KEY = "recipe"  # the text chunk of a PNG that holds the JSON
VERSION = 1  # of the recipe's format
KEEP_KEY = "keep"  # the text chunk that holds the mask of what is kept: an 8-bit PNG in base64
RARE = ("negative", "negative_weights", "product", "start", "canvas")


@dataclass(frozen=True)
class Recipe:
    """What made one picture. `seed` is that picture's own; no `prototypes` means drawn with the seed.

    `query` names the image or the memory (file name and digest) that a retrieval started from, which a recipe cannot
    hold; `prototype_set` is the digest of the edited set that `prototypes` are ids of, nothing for the model's own.
    `negative`, `negative_weights` and `product` are as in `PDMPipeline`, `start` a picture of one's own and variations.
    `canvas`: where prototypes were painted by region, which masks beside the recipe show.
    Raises ValueError for a value that no picture can have.
    """

    model: str
    method: str
    prototypes: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    seed: int = 0
    steps: int = DEFAULT_STEPS
    guidance: float = DEFAULT_GUIDANCE
    sampler: str = "dpm++2m"
    query: str | None = None
    prototype_set: str | None = None
    negative: tuple[int, ...] = ()
    negative_weights: tuple[float, ...] = ()
    product: bool = False
    start: StartRecipe | None = None
    canvas: CanvasRecipe | None = None
    version: int = VERSION

    def __post_init__(self):
        object.__setattr__(self, "prototypes", tuple(_sequence("prototypes", self.prototypes)))
        object.__setattr__(self, "weights", tuple(_sequence("weights", self.weights)))
        _check_products(self)
        expect("model", self.model, "a name", isinstance(self.model, str) and self.model != "")
        one_of("method", self.method, METHODS)
        for k in self.prototypes:
            expect("prototypes", k, "whole numbers from 0", is_whole(k, 0))
        for w in self.weights:
            expect("weights", w, "finite numbers from 0", is_number(w, 0))
        if self.weights and len(self.weights) != len(self.prototypes):
            raise ValueError(
                f"weights: expected {len(self.prototypes)}, one for each prototype, got {len(self.weights)}"
            )
        expect("seed", self.seed, "a whole number from 0 to 2^63 - 1", is_whole(self.seed, 0, 2**63 - 1))
        expect("steps", self.steps, "a whole number from 1", is_whole(self.steps, 1))
        expect("guidance", self.guidance, "a finite number from 0", is_number(self.guidance, 0))
        expect("sampler", self.sampler, "a name", isinstance(self.sampler, str) and self.sampler != "")
        expect("query", self.query, "a name or nothing", self.query is None or isinstance(self.query, str))
        expect("prototype_set", self.prototype_set, "a digest or nothing", _digest(self.prototype_set))
        if isinstance(self.canvas, dict):
            object.__setattr__(self, "canvas", CanvasRecipe.from_dict(self.canvas))
        expect(
            "canvas", self.canvas, "a canvas or nothing", self.canvas is None or isinstance(self.canvas, CanvasRecipe)
        )
        expect("version", self.version, f"{VERSION}", is_whole(self.version, VERSION, VERSION))

    def to_dict(self) -> dict:
        """Plain JSON values: lists instead of tuples. What is `RARE` is there only where it was used."""
        values = {k: v for k, v in asdict(self).items() if v or k not in RARE}
        return json.loads(json.dumps(values))

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: object) -> Recipe:
        """The inverse of `to_dict`; raises ValueError for missing, unknown or impossible values."""
        if not isinstance(values, dict):
            raise ValueError(f"recipe: expected a JSON object, got {type(values).__name__}")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(str(k) for k in set(values) - known):
            raise ValueError(f"recipe: expected only {', '.join(sorted(known))}, got also {', '.join(unknown)}")
        if missing := sorted({"model", "method"} - set(values)):
            raise ValueError(f"recipe: expected {' and '.join(missing)}, got none")
        given: dict[str, Any] = dict(values)
        if given.get("start") is not None:
            given["start"] = StartRecipe.from_dict(given["start"])
        return cls(**given)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The inverse of `to_json`; raises ValueError for text that is no recipe."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"recipe: expected JSON, got text that is none ({error})") from error
        return cls.from_dict(values)


def _check_products(recipe: Recipe) -> None:
    """Make lists tuples, and raise ValueError for what is no product of prototypes."""
    for field in ("negative", "negative_weights"):
        object.__setattr__(recipe, field, tuple(_sequence(field, getattr(recipe, field))))
    for k in recipe.negative:
        expect("negative", k, "whole numbers from 0", is_whole(k, 0))
    for w in recipe.negative_weights:
        expect("negative_weights", w, "finite numbers from 0", is_number(w, 0))
    count = len(recipe.negative_weights)
    expect("negative_weights", count, f"{len(recipe.negative)}, one for each", count in (0, len(recipe.negative)))
    expect("product", recipe.product, "true or false", isinstance(recipe.product, bool))
    start = recipe.start
    expect("start", start, "an object or nothing", start is None or isinstance(start, StartRecipe))


def _digest(value: object) -> bool:
    return value is None or (isinstance(value, str) and DIGEST.fullmatch(value) is not None)


def _sequence(field: str, value: object) -> Sequence:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{field}: expected a list, got {shown(value)}")
    return value


def png_bytes(
    image: Image.Image, recipe: Recipe, masks: Image.Image | None = None, keep: torch.Tensor | None = None
) -> bytes:
    """A picture as PNG with its recipe in the text chunk "recipe", and a canvas's masks in one of their own.

    `keep` (H, W): what was kept of a picture of one's own, in another one.
    """
    info = PngInfo()
    info.add_text(PNG_KEY, recipe.to_json())
    if keep is not None:
        info.add_text(KEEP_KEY, base64.b64encode(_mask_png(keep)).decode())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue() if masks is None else with_masks(buffer.getvalue(), masks)


def save_png(image: Image.Image, path: Path, recipe: Recipe, masks: Image.Image | None = None) -> None:
    """Write `png_bytes` to a file, whole or not at all."""
    with atomic_file(Path(path)) as part:
        part.write_bytes(png_bytes(image, recipe, masks))


def read_masks(path: str | Path) -> Image.Image | None:
    """The picture of the masks inside a PNG, None where there is none; raises ValueError for a damaged one."""
    check_regular(Path(path))
    return masks_of(Path(path).read_bytes())


def _mask_png(keep: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((keep.float() * 255).round().to(torch.uint8).cpu().numpy()).save(buffer, format="PNG")
    return buffer.getvalue()


def read_keep(path: str | Path) -> torch.Tensor | None:
    """The mask (H, W) of what was kept, from 0 to 1 in 256 levels, None where a picture has none.

    Raises ValueError for a file that is no picture, and for a mask that is none or of another size than the picture.
    """
    try:
        check_regular(Path(path))
        with Image.open(path) as image:
            size, text = image.size, image.info.get(KEEP_KEY)
        if text is None:
            return None
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as mask:
            expect("keep", (mask.mode, mask.size), f"a grey mask of {size}", (mask.mode, mask.size) == ("L", size))
            return torch.from_numpy(np.asarray(mask).copy()).float() / 255
    except (OSError, TypeError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: expected a picture, with its mask if any, got {reason(error)}") from error


def read_recipe(path: str | Path) -> Recipe:
    """The recipe inside a PNG, or in a JSON file; raises ValueError where there is none."""
    path = Path(path)
    try:
        check_regular(path)
        if path.suffix.lower() == ".json":
            return Recipe.from_json(path.read_text())
        with Image.open(path) as image:
            text = image.info.get(PNG_KEY)
    except (OSError, UnicodeDecodeError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: expected a picture with a recipe, got {error}") from error
    if not isinstance(text, str):
        raise ValueError(f"{path}: expected a picture made by this project, got one without a recipe")
    return Recipe.from_json(text)
