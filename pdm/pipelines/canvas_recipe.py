"""What a recipe says of a canvas: which prototypes its masks stand for, and how it went through the net.

The masks themselves are an indexed picture in a chunk of its own beside the recipe's, as `to_palette` makes it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from pdm.pipelines.checks import TILINGS
from pdm.pipelines.palette import SOFTEN, Entry, from_palette, mix_of
from pdm.pipelines.regions import GROUNDS, Ground, Regions
from pdm.support.checks import expect, is_number, is_whole, one_of

CHUNK = b"pdMk"  # ancillary, private, safe to copy: a PNG inside the PNG
LARGEST = 4096  # height and width of a canvas in a recipe, in pixels
MixEntry = tuple[tuple[int, ...], tuple[float, ...]]  # ids, and weights or none for equal ones


@dataclass(frozen=True)
class CanvasRecipe:
    """Size in pixels, legend and tiling of a canvas; `legend` has index, ids and weights of each region.

    `ground`: "table", "null", or ids and weights. `soften`: see `from_palette`. A picture of one's own beneath is in
    the recipe's `start`. Raises ValueError for values that no canvas can have.
    """

    height: int
    width: int
    legend: tuple[tuple[int, tuple[int, ...], tuple[float, ...]], ...] = ()
    ground: str | MixEntry = "table"
    tiling: str = "whole"
    tileable: bool = False
    soften: float = SOFTEN

    def __post_init__(self):
        for field in ("height", "width"):
            value = getattr(self, field)
            expect(field, value, f"pixels from 1 to {LARGEST}", is_whole(value, 1, LARGEST))
        rows: Any = self.legend if isinstance(self.legend, (list, tuple)) else [None]
        fits = all(isinstance(row, (list, tuple)) and len(row) == 3 for row in rows)
        expect("legend", self.legend, "(index, ids, weights) of each region", fits)
        for row in rows:
            expect("legend", row[0], "indices from 1 to 255", is_whole(row[0], 1, 255))
        object.__setattr__(self, "legend", tuple((row[0], *_mix("legend", row[1:])) for row in rows))
        if isinstance(self.ground, str):
            one_of("ground", self.ground, GROUNDS)
        else:
            object.__setattr__(self, "ground", _mix("ground", self.ground))
        one_of("tiling", self.tiling, TILINGS)
        expect("tileable", self.tileable, "true or false", isinstance(self.tileable, bool))
        expect("soften", self.soften, "pixels from 0 to 64", is_number(self.soften, 0, 64))

    @classmethod
    def of(cls, legend: Mapping[int, Entry], size: tuple[int, int], **options: Any) -> CanvasRecipe:
        """Of a legend as `from_palette` takes it and a (height, width); index 0 in it is the ground."""
        rows = {}
        for index, entry in legend.items():
            ids, weights = mix_of(entry)
            rows[index] = (ids, list(weights or ()))
        if 0 in rows:
            options["ground"] = rows.pop(0)
        return cls(*size, tuple((index, *mix) for index, mix in sorted(rows.items())), **options)

    @classmethod
    def from_dict(cls, values: object) -> CanvasRecipe:
        """The inverse of `to_dict`; raises ValueError for missing, unknown or impossible values."""
        known = set(cls.__dataclass_fields__)
        fits = isinstance(values, dict) and {"height", "width"} <= set(values) <= known
        expect("canvas", values, f"height, width and others of {', '.join(sorted(known))}", fits)
        return cls(**values)  # type: ignore[arg-type]

    def to_dict(self) -> dict:
        return asdict(self)

    def regions(self, masks: Image.Image) -> Regions:
        """What was painted, from the picture of the masks; raises ValueError for one of another size or legend."""
        expected, got = (self.width, self.height), masks.size
        expect("mask", got, f"{self.width} x {self.height} pixels", got == expected)
        legend = {index: (ids, weights or None) for index, ids, weights in self.legend}
        ground: Ground = self.ground if isinstance(self.ground, str) else (self.ground[0], self.ground[1] or None)
        return from_palette(masks, legend, soften=self.soften, ground=ground)


def _mix(field: str, mix: Any) -> MixEntry:
    """Ids and weights (none for equal ones) as tuples."""
    pair = isinstance(mix, (list, tuple)) and len(mix) == 2 and all(isinstance(part, (list, tuple)) for part in mix)
    expect(field, mix, "lists of ids and of weights", pair)
    ids, weights = (tuple(part) for part in mix)
    expect(field, ids, "at least one whole number from 0", bool(ids) and all(is_whole(k, 0) for k in ids))
    expect(field, weights, "no weights, or one for each id", len(weights) in (0, len(ids)))
    expect(field, weights, "finite numbers from 0", all(is_number(w, 0) for w in weights))
    return ids, weights


def with_masks(png: bytes, masks: Image.Image) -> bytes:
    """A PNG with the picture of its masks in a chunk of its own, before the end."""
    inner = io.BytesIO()
    masks.save(inner, "PNG", optimize=True)
    body = CHUNK + inner.getvalue()
    chunk = len(inner.getvalue()).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:-12] + chunk + png[-12:]  # the last twelve bytes are the end


def masks_of(png: bytes) -> Image.Image | None:
    """The picture of the masks in a PNG, None where there is none; raises ValueError for a damaged one."""
    place = 8
    while place + 12 <= len(png):
        length, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        if kind == CHUNK:
            return _opened(png[place + 8 : place + 8 + length])
        place += 12 + length
    return None


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        expect("mask", image.size, f"at most {LARGEST} pixels wide and high", max(image.size) <= LARGEST)
        assert isinstance(image, PngImageFile)
        image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"mask: expected a picture of masks beside the recipe, got a damaged one ({error})") from error
    return image
