"""Saved pipelines that others can read: any reader of JSON, and any account that may read the folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pdm.support.files import usual_mode


def make_readable(folder: Path) -> None:
    """Give files the rights that the process's umask gives, and leave what no JSON can say out of configurations.

    safetensors makes its files private. diffusers writes -Infinity for a bound of a scheduler's that is none; it is the
    default, so a configuration without it means the same.
    """
    mode = usual_mode(folder)
    for path in folder.rglob("*"):
        if path.suffix == ".json":
            _leave_out_infinity(path)
        if path.suffix in (".json", ".safetensors"):
            path.chmod(mode)


def _leave_out_infinity(path: Path) -> None:
    values = json.loads(path.read_text())
    kept = without_infinity(values)
    if kept != values:
        path.write_text(json.dumps(kept, indent=2, sort_keys=True, allow_nan=False) + "\n")


def without_infinity(values: Any) -> Any:
    """A configuration without what no JSON can say."""
    return {name: value for name, value in values.items() if _said(value)} if isinstance(values, dict) else values


def _said(value: Any) -> bool:
    """Whether JSON has a word for a value."""
    return not isinstance(value, float) or math.isfinite(value)
