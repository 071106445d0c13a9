"""The training card: what a model was trained on, for how long, and where. It lies beside the pipeline."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import torch

from pdm.support.checks import expect
from pdm.support.files import read_json

CARD = "training_card.json"


def denoiser_card(folder: Path) -> dict:
    """The training card of a pipeline's denoiser, empty where there is none; that of a tuned one keeps it inside.

    Raises ValueError for a file that is none.
    """
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path}: expected a training card, got: {error}") from error
    expect(str(path), type(card).__name__, "a JSON object", isinstance(card, dict))
    card = card.get("teacher", card)
    expect(f"{path}: teacher", type(card).__name__, "a JSON object", isinstance(card, dict))
    return card


def device_name(device: torch.device, processes: int = 1) -> str:
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    return f"{processes * torch.get_num_threads()} CPU threads" if device.type == "cpu" else device.type


def git_commit() -> str | None:
    """The commit the code is at, or None outside a checkout."""
    if shutil.which("git") is None:
        return None
    result = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or None if result.returncode == 0 else None
