"""A picture of a visitor's own under the canvas: what of it stays, and how it is painted over."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from pdm.app.canvas import MAX_SIDE, Drawing
from pdm.app.studio import Studio
from pdm.data.images import from_pil, upright
from pdm.editing.prototype_set import PrototypeSet
from pdm.pipelines.palette import softened
from pdm.pipelines.start import Start
from pdm.support.checks import expect, is_number, one_of

MODES = {
    "keep": "Keep what is not painted over",
    "over": "Paint over all of it",
    "kind": "Paint it as other prototypes",
}
OVER = 0.6  # the strength to begin with where all of a picture is painted over
STEPS_BACK = 20  # of an inversion
SOFT = 2.0  # pixels over which what is kept fades into what is painted


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """`image` of any size up to the largest canvas; `ids` and `weights` of a `model`'s prototypes are the mix that
    stands where nothing is painted.

    `mode`: one of `MODES`. `strength` in (0, 1]: how much of what is not kept is painted over.
    """

    model: str
    image: Image.Image
    ids: tuple[int, ...]
    weights: tuple[float, ...]
    mode: str = "keep"
    strength: float = 1.0

    def in_mode(self, studio: Studio, mode: str) -> OwnPicture:
        """With another mode, and the strength that suits it. Raises ValueError."""
        one_of("mode", mode, MODES)
        strength = {"keep": 1.0, "over": OVER, "kind": studio.pdm.other_kind_strength}[mode]
        return replace(self, mode=mode, strength=strength)

    def with_strength(self, strength: object) -> OwnPicture:
        """Raises ValueError for what is none."""
        expect("strength", strength, "a number above 0 and up to 1", is_number(strength, 0, 1) and strength != 0)
        assert isinstance(strength, int | float)
        return replace(self, strength=float(strength))

    def cut(self, studio: Studio, drawing: Drawing) -> np.ndarray:
        """The part of it that lies under a drawing, at its size, uint8 (C, H, W)."""
        channels = studio.pdm.channels
        return from_pil(self.image, (drawing.height, drawing.width), channels).numpy()

    def kept(self, drawing: Drawing) -> torch.Tensor | None:
        """Where it stays as it is, (H, W) from 0 to 1."""
        if self.mode != "keep":
            return None
        clear = torch.from_numpy(drawing.pixels == 0).float()
        return torch.where(clear == 1, clear, softened(clear[None], SOFT)[0])  # only what is painted fades

    def start(self, drawing: Drawing, noise: torch.Tensor | None = None) -> Start:
        """What the library starts from; `noise` is that of the inversion."""
        return Start(self.image, self.kept(drawing), self.strength, noise)

    def packed(self, most: int) -> dict | None:
        """Plain JSON values; None where the picture takes more than so many characters."""
        for kind, options in (("PNG", {}), ("WEBP", {"quality": 92})):
            buffer = io.BytesIO()
            self.image.save(buffer, kind, **options)
            text = base64.b64encode(buffer.getvalue()).decode()
            if len(text) <= most:
                known = {"ids": list(self.ids), "weights": list(self.weights)}
                return {"model": self.model, "image": text, "mode": self.mode, "strength": self.strength, **known}
        return None

    @classmethod
    def unpacked(cls, values: Any) -> OwnPicture:
        """The inverse; raises ValueError for values that are none."""
        try:
            with Image.open(io.BytesIO(base64.b64decode(values["image"])), formats=["PNG", "WEBP"]) as image:
                expect("picture", image.size, f"at most {MAX_SIDE} pixels a side", max(image.size) <= MAX_SIDE)
                image.load()
                own = cls(values["model"], image.copy(), tuple(values["ids"]), tuple(values["weights"]), values["mode"])
        except (KeyError, TypeError, OSError, SyntaxError, EOFError, ValueError, Image.DecompressionBombError):
            raise ValueError("picture: expected one as it was kept, got something else") from None
        one_of("mode", own.mode, MODES)
        return own.with_strength(values.get("strength"))


def own_picture(studio: Studio, image: Image.Image, prototype_set: PrototypeSet | None) -> OwnPicture:
    """A picture to paint on, upright and no larger than a canvas can be, with its own mix of prototypes."""
    image = upright(image)
    if max(image.size) > MAX_SIDE:
        image = image.copy()
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    channels = studio.pdm.channels
    flat = from_pil(image, (image.height, image.width), channels)  # of the data set's kind, transparency and all
    image = Image.fromarray(flat[0].numpy() if channels == 1 else flat.permute(1, 2, 0).numpy())
    generator = torch.Generator().manual_seed(0)
    condition = studio.pdm.condition([generator], image=image, prototype_set=prototype_set)
    pairs = [(k, w) for k, w in zip(condition.ids[0].tolist(), condition.weights[0].tolist(), strict=True) if w > 0]
    return OwnPicture(studio.name, image, tuple(k for k, _ in pairs), tuple(round(w, 4) for _, w in pairs))
