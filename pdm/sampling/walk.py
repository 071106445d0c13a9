"""A walk: a smooth loop through prototypes at one seed, as an animation."""

from __future__ import annotations

import io

import torch
from PIL import Image

from pdm.data.images import to_pil
from pdm.model.conditioning import Condition, from_vectors
from pdm.support.checks import shown

MIN_STARS, MAX_STARS = 2, 8
FORMATS = {"gif": "GIF", "webp": "WEBP"}


def loop(vectors: torch.Tensor, frames: int) -> torch.Tensor:
    """Vectors (n, D) -> (n * frames, D): from each to the next and back to the first, slow near each of them."""
    if not MIN_STARS <= len(vectors) <= MAX_STARS:
        raise ValueError(f"prototypes: expected {MIN_STARS} to {MAX_STARS} for a walk, got {len(vectors)}")
    if not 2 <= frames <= 24:
        raise ValueError(f"frames: expected 2 to 24 between two prototypes, got {frames}")
    t = torch.arange(frames) / frames
    eased = (t * t * (3 - 2 * t))[None, :, None]  # the smooth step: no speed at either end
    following = vectors.roll(-1, 0)
    return (vectors[:, None] * (1 - eased) + following[:, None] * eased).flatten(0, 1)


def loop_condition(vectors: torch.Tensor, frames: int, *, spherical: bool) -> Condition:
    """The loop as a condition, one token a frame."""
    path = loop(vectors, frames)
    return from_vectors(path, torch.arange(len(path))[:, None], torch.ones(len(path), 1), spherical=spherical)


def animation(images: torch.Tensor, kind: str = "gif", *, side: int = 192, milliseconds: int = 80) -> bytes:
    """Frames uint8 (F, C, H, W) as an endless animation, enlarged to `side` pixels without blurring them."""
    if kind not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {shown(kind)}")
    pictures = [to_pil(image).resize((side, side), Image.Resampling.NEAREST) for image in images]
    buffer = io.BytesIO()
    options = {"lossless": True} if kind == "webp" else {"disposal": 2}
    pictures[0].save(
        buffer, FORMATS[kind], save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, **options
    )
    return buffer.getvalue()
