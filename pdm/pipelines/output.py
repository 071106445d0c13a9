"""What a call of a pipeline returns its pictures as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pdm.data.images import to_pil


def _arrays(images: torch.Tensor) -> np.ndarray:
    """float32 (B, H, W, C) in [0, 1], as diffusers' own pipelines return them."""
    return images.permute(0, 2, 3, 1).numpy().astype(np.float32) / 255


RAW = "latent"  # what the net painted (B, C, H, W), float32: latents, or pixels in [-1, 1] of a model without
# From uint8 (B, C, H, W), which is what "pt" returns.
OUTPUTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "pil": lambda images: [to_pil(image) for image in images],
    "np": _arrays,
    "pt": lambda images: images,
}
