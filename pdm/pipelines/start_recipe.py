"""What a recipe says of a picture of one's own and of variations, and how a painting starts from it again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from pdm.data.images import upright
from pdm.pipelines.start import Start
from pdm.sampling.turning import turned
from pdm.support.checks import expect, is_number, is_whole

if TYPE_CHECKING:
    from pdm.pipelines.base import ConditionedPipeline
    from pdm.pipelines.canvas import Canvas

DIGEST = re.compile(r"[0-9a-f]{16}")
MOST_TURNS = 100


@dataclass(frozen=True)
class StartRecipe:
    """What stands for a `Start` in a recipe.

    `ground`: the digest of the picture beneath (`picture_digest`), which no recipe holds; `keep`: whether part of it is
    kept, by a mask that lies in the PNG; `strength`: see `Start`.

    The noise is that drawn with the recipe's seed or, where it is `inverted`, that of the ground under its own mix.
    Each of the `turns`, (seed, degrees), then turns it towards what that seed draws: variations of variations.
    Raises ValueError for values that no picture can have.
    """

    ground: str | None = None
    keep: bool = False
    strength: float = 1.0
    inverted: bool = False
    turns: tuple[tuple[int, float], ...] = ()

    def __post_init__(self):
        digest = self.ground is None or (isinstance(self.ground, str) and DIGEST.fullmatch(self.ground) is not None)
        expect("start: ground", self.ground, "a digest or nothing", digest)
        for field in ("keep", "inverted"):
            expect(f"start: {field}", getattr(self, field), "true or false", isinstance(getattr(self, field), bool))
        strength = self.strength
        fits = is_number(strength, 0, 1) and strength > 0
        expect("start: strength", strength, "a number above 0 and up to 1", fits)
        turns = self.turns
        fits = isinstance(turns, list | tuple) and len(turns) <= MOST_TURNS and all(map(_is_turn, turns))
        expect("start: turns", turns, f"at most {MOST_TURNS} pairs of a seed and degrees from 0 to 180", fits)
        object.__setattr__(self, "turns", tuple(tuple(turn) for turn in turns))
        if self.ground is None and (self.keep or self.inverted or strength != 1):
            raise ValueError("start: ground: expected a digest beside a strength, a mask or an inversion, got none")

    def to_dict(self) -> dict:
        """Plain JSON values."""
        return {**asdict(self), "turns": [list(turn) for turn in self.turns]}

    @classmethod
    def from_dict(cls, values: object) -> StartRecipe:
        """The inverse of `to_dict`; raises ValueError for unknown or impossible values."""
        known = {f.name for f in fields(cls)}
        fits = isinstance(values, Mapping) and set(values) <= known
        expect("start", values, f"an object with some of {', '.join(sorted(known))}", fits)
        return cls(**values)  # type: ignore[arg-type]

    @torch.no_grad()
    def start(
        self,
        pipeline: ConditionedPipeline,
        seed: int,
        *,
        ground: Image.Image | None = None,
        keep: Any = None,
        canvas: Canvas | None = None,
    ) -> Start:
        """Where the painting of a recipe with this seed starts, with the picture and the mask that it is told of.

        Raises ValueError for another picture, and where a mask is missing or not asked for.
        """
        found = None if ground is None else picture_digest(ground)
        expect("ground", found, f"the picture with the digest {self.ground}", found == self.ground)
        expect("keep", keep is not None, f"{'a' if self.keep else 'no'} mask", (keep is not None) == self.keep)
        if not self.inverted and not self.turns:
            return Start(ground, keep, self.strength)
        sized = {} if canvas is None else {"height": canvas.height, "width": canvas.width}
        if self.inverted:
            assert ground is not None
            noise = pipeline.invert(ground, strength=self.strength, **sized)
        else:
            noise = pipeline.noise([_generator(seed)], canvas)
        for turn, degrees in self.turns:
            noise = turned(noise, pipeline.noise([_generator(turn)], canvas).to(noise.device), degrees)
        return Start(ground, keep, self.strength, noise)


def picture_digest(image: Image.Image) -> str:
    """16 hexadecimal digits of a picture's pixels as they are seen, in whatever file they lie."""
    seen = upright(image).convert("RGBA")
    return hashlib.sha256(f"{seen.size}".encode() + seen.tobytes()).hexdigest()[:16]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _is_turn(turn: object) -> bool:
    if not isinstance(turn, list | tuple) or len(turn) != 2:
        return False
    return is_whole(turn[0], 0, 2**63 - 1) and is_number(turn[1], 0, 180)
