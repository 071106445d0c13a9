"""An autoencoder from a folder or the hub: diffusers' `AutoencoderTiny` (TAESD) in safetensors, and nothing else."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from pdm.pipelines.sizes import check_sizes
from pdm.support.checks import expect, reason, shown
from pdm.support.files import check_all_regular, read_json
from pdm.support.hub import quiet_hub

KIND = "AutoencoderTiny"
WEIGHTS = "diffusion_pytorch_model.safetensors"
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
HOW = f"a folder with diffusers' {KIND} (config.json and {WEIGHTS}): --autoencoder FOLDER"


def load_autoencoder(source: str | Path) -> Any:
    """The autoencoder in a folder or under a hub id, in float32 on the CPU, ready to run.

    Raises ValueError, one line that says what was looked for and how to give a folder.
    """
    folder = _folder(str(source))
    try:
        config, shapes = _checked(folder)
        net = _built(config)
        net.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
    except (OSError, RuntimeError, TypeError, KeyError, SafetensorError) as error:
        raise ValueError(f"autoencoder {folder}: expected a complete {KIND}, got: {reason(error)}") from error
    return net.eval().requires_grad_(False)


def _folder(source: str) -> Path:
    """The folder that holds it, perhaps downloaded."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(source):
        raise ValueError(f"autoencoder: expected {HOW}, or a hub id, got {shown(source)}")
    from huggingface_hub import snapshot_download

    try:
        with quiet_hub():
            return Path(snapshot_download(source, allow_patterns=["config.json", WEIGHTS]))
    except (OSError, ValueError) as error:  # huggingface_hub's own errors, offline or not, are among these
        raise ValueError(
            f"autoencoder: expected the hub's {source}, which cannot be reached ({reason(error)}), or {HOW}"
        ) from error


def _checked(folder: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Its configuration and the shapes of its weights. Raises ValueError for what is no such autoencoder."""
    check_all_regular(folder)
    said = f"autoencoder {folder}"
    if not (folder / "config.json").is_file():
        raise ValueError(f"{said}: expected {HOW}, got no config.json there")
    config = read_json(folder / "config.json")
    kind = config.get("_class_name") if isinstance(config, dict) else None
    expect(said, kind, KIND, kind == KIND)
    if not (folder / WEIGHTS).is_file():
        others = sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        got = f"{others[0]}, a pickle, which is not read" if others else "none"
        raise ValueError(f"{said}: expected weights in {WEIGHTS}, got {got}")
    with safe_open(folder / WEIGHTS, framework="pt") as tensors:
        shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}
    check_sizes(folder, "autoencoder", shapes)
    return config, shapes


def _built(config: dict[str, Any]) -> Any:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    known = inspect.signature(AutoencoderTiny.__init__).parameters
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in config.items() if name in known
    }
    with torch.device("cpu"):
        return check_autoencoder(AutoencoderTiny(**given))


def check_autoencoder(net: Any) -> Any:
    """Raise ValueError for an autoencoder of pictures that are not in colour, or whose way back is another size."""
    config = net.config
    for field in ("in_channels", "out_channels"):
        expect(f"autoencoder: {field}", config[field], "3, pictures in colour", config[field] == 3)
    levels = (len(config.encoder_block_out_channels), len(config.decoder_block_out_channels))
    expect("autoencoder: levels", levels, "as many of the encoder as of the decoder", levels[0] == levels[1])
    return net
