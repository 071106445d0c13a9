"""The recipe of one picture: everything that makes it again, as JSON and inside its PNG."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS
from pdm.methods import METHODS
from pdm.pipelines.canvas_recipe import CanvasRecipe, masks_of, with_masks
from pdm.support.checks import expect, is_number, is_whole, one_of, shown
from pdm.support.files import atomic_file, check_regular

PNG_KEY = "recipe"  # the text chunk of a PNG that holds the JSON
VERSION = 1  # of the recipe's format
DIGEST = re.compile(r"[0-9a-f]{16}")  # of a prototype set


@dataclass(frozen=True)
class Recipe:
    """What made one picture. `seed` is that picture's own; no `prototypes` means drawn with the seed.

    `query` names the image or the memory (file name and digest) that a retrieval started from, which a recipe cannot
    hold; `prototype_set` is the digest of the edited set that `prototypes` are ids of, nothing for the model's own.
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
    canvas: CanvasRecipe | None = None
    version: int = VERSION

    def __post_init__(self):
        object.__setattr__(self, "prototypes", tuple(_sequence("prototypes", self.prototypes)))
        object.__setattr__(self, "weights", tuple(_sequence("weights", self.weights)))
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
        """Plain JSON values: lists instead of tuples; a picture that is no canvas says nothing of one."""
        values = {k: v for k, v in asdict(self).items() if k != "canvas" or v is not None}
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
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The inverse of `to_json`; raises ValueError for text that is no recipe."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"recipe: expected JSON, got text that is none ({error})") from error
        return cls.from_dict(values)


def _digest(value: object) -> bool:
    return value is None or (isinstance(value, str) and DIGEST.fullmatch(value) is not None)


def _sequence(field: str, value: object) -> Sequence:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{field}: expected a list, got {shown(value)}")
    return value


def png_bytes(image: Image.Image, recipe: Recipe, masks: Image.Image | None = None) -> bytes:
    """A picture as PNG with its recipe in the text chunk "recipe", and a canvas's masks in one of their own."""
    info = PngInfo()
    info.add_text(PNG_KEY, recipe.to_json())
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
