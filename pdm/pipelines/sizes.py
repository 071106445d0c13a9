"""How large the parts of a pipeline may claim to be: looked at before anything is built or memory is taken for it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from pdm.pipelines.saved_names import CLASSES, PARTS
from pdm.support.checks import expect, is_number, is_text, is_whole
from pdm.support.files import read_json

CONFIGS = ("config.json", "scheduler_config.json")
# The largest whole number of each field, and of a list the most entries and the largest of them.
NUMBERS = {
    "channels": 64,
    "image_size": 2048,
    "token_dim": 8192,
    "patch": 32,
    "layers_per_block": 16,
    "heads": 256,
    "norm_groups": 1024,
    "chain_steps": 100_000,
    "count": 100_000,
    "dim": 65_536,
    "tokens": 1024,
    "width": 4096,
    "entries": 2**31 - 1,
    "in_channels": 64,
    "out_channels": 64,
    "latent_channels": 64,
    "upsampling_scaling_factor": 2,
}
LISTS = {
    "block_out_channels": (12, 8192),
    "attention_levels": (12, 12),
    "encoder_block_out_channels": (8, 1024),
    "decoder_block_out_channels": (8, 1024),
    "num_encoder_blocks": (8, 64),
    "num_decoder_blocks": (8, 64),
}
MAX_NAMES = 10_000  # of classes
MAX_STEPS = 100_000  # of a scheduler, in any of its numbers and lists
# Buffers are made before weights are read: what they claim must be what the files hold.
SHAPES = {"Memory": ("embeddings", ("entries", "dim")), "PrototypeBank": ("vectors", ("count", "dim"))}


def check_sizes(folder: Path, part: str, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless a part's configuration is JSON with sizes that can be, and that its weights have.

    `shapes`: of the tensors in the part's files, by name.
    """
    for path in (folder / name for name in CONFIGS if (folder / name).is_file()):
        try:
            config = read_json(path)
        except ValueError as error:
            raise ValueError(f"{path}: expected JSON, got {error}") from error
        expect(str(path), type(config).__name__, "a JSON object", isinstance(config, dict))
        if part == "scheduler":
            _check_scheduler(path, config)
        else:
            _check_kinds(path, PARTS.get(part, ""), config)
            _check_net(path, config)
            _check_shape(path, PARTS.get(part, ""), config, shapes)


def _check_kinds(path: Path, kind: str, config: dict[str, Any]) -> None:
    """Each value must be of the kind of its default, as the part's class has it; the sizes are looked at elsewhere."""
    if kind in CLASSES:
        for field, parameter in inspect.signature(CLASSES[kind].__init__).parameters.items():
            value = config.get(field, parameter.default)
            if isinstance(parameter.default, bool):
                expect(f"{path}: {field}", value, "true or false", isinstance(value, bool))
            elif isinstance(parameter.default, float):
                expect(f"{path}: {field}", value, "a number from 1e-6 to 1e6", is_number(value, 1e-6, 1e6))
            elif isinstance(parameter.default, str):
                expect(f"{path}: {field}", value, "a word", is_text(value, 100))


def _check_net(path: Path, config: dict[str, Any]) -> None:
    for field, most in NUMBERS.items():
        if field in config:
            value = config[field]
            expect(f"{path}: {field}", value, f"a whole number from 1 to {most}", is_whole(value, 1, most))
    for field, (length, most) in LISTS.items():
        if field in config:
            value = config[field]
            fits = isinstance(value, list) and len(value) <= length and all(is_whole(v, 0, most) for v in value)
            expect(f"{path}: {field}", value, f"at most {length} whole numbers up to {most}", fits)
    names = config.get("class_names", [])
    fits = isinstance(names, list) and len(names) <= MAX_NAMES and all(isinstance(name, str) for name in names)
    expect(f"{path}: class_names", names, f"at most {MAX_NAMES} names", fits)


def _check_shape(path: Path, kind: str, config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    tensor, fields = SHAPES.get(kind, ("", ()))
    if fields and all(field in config for field in fields):
        claimed = tuple(config[field] for field in fields)
        fits = tensor not in shapes or shapes[tensor] == claimed
        expect(f"{path}: {' and '.join(fields)}", claimed, f"those of the weights, {shapes.get(tensor)}", fits)


def _check_scheduler(path: Path, config: dict[str, Any]) -> None:
    for field, value in config.items():
        fits = len(value) <= MAX_STEPS if isinstance(value, list) else not isinstance(value, int) or value <= MAX_STEPS
        expect(f"{path}: {field}", value, f"numbers and lists of at most {MAX_STEPS}", fits)
    order = config.get("solver_order", 1)
    expect(f"{path}: solver_order", order, "1, 2 or 3", is_whole(order, 1, 3))
