"""Names for weights: the same digits for the same tensors, wherever they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import nn


def weights_hash(modules: Mapping[str, nn.Module]) -> str:
    """16 hexadecimal digits of the names, types, shapes and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for part, module in sorted(modules.items()):
        for name, value in sorted(module.state_dict().items()):
            digest.update(f"{part}.{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
