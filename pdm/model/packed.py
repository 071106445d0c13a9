"""Nets on disk in half the space: weights as whole numbers of 8 bits, with a scale for each output channel."""

from __future__ import annotations

from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

FEWEST = 4096  # numbers a tensor must have to be packed: the others are a hundredth of a net and stay as they are
LAST = "conv_out.weight"  # stays as it is: what it gives is the picture, and no norm comes behind it
SCALE = "_scale"  # behind a tensor's name
PATTERN = "diffusion_pytorch_model{suffix}.safetensors"  # as diffusers names weights


def packed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state with its large matrices and kernels as int8, the largest of each output channel being 127.

    What gives the picture itself stays as it is.
    """
    found = {}
    for name, value in state.items():
        small = value.ndim < 2 or value.numel() < FEWEST
        if small or name.endswith(LAST) or not value.is_floating_point():
            found[name] = value
            continue
        rows = value.float().flatten(1)
        scale = rows.abs().amax(1).clamp(min=1e-12) / 127
        found[name] = (rows / scale[:, None]).round().to(torch.int8).view(value.shape)
        found[name + SCALE] = scale
    return found


def unpacked(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `packed` made, as float32. Raises ValueError for a tensor without its scale."""
    found = {}
    for name, value in state.items():
        if value.dtype == torch.int8:
            if name + SCALE not in state:
                raise ValueError(f"expected a scale beside the packed weights {name}, got none")
            value = value.float() * state[name + SCALE].view(-1, *[1] * (value.ndim - 1))
        elif name.endswith(SCALE) and name.removesuffix(SCALE) in state:
            continue
        found[name] = value
    return found


def is_packed(folder: Path) -> bool:
    """Whether a net's files hold packed weights; not where one is damaged, which whoever reads it will say."""
    try:
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                names = set(file.keys())
                if any(name.endswith(SCALE) and name.removesuffix(SCALE) in names for name in names):
                    return True
    except SafetensorError:
        pass
    return False


def read(folder: Path) -> dict[str, torch.Tensor]:
    """A net's tensors as its files have them. Raises ValueError for a damaged file."""
    found: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            found |= load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path}: expected complete weights, got a damaged file") from error
    return found


def pack(folder: Path, max_shard_size: str) -> None:
    """Pack a net's files where they lie."""
    state = packed(read(folder))
    for path in folder.glob("diffusion_pytorch_model*"):
        path.unlink()
    save_torch_state_dict(state, folder, filename_pattern=PATTERN, max_shard_size=max_shard_size)
