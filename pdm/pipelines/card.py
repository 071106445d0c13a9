"""The training card: what a model was trained on, for how long, and where. It lies beside the pipeline."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import torch

CARD = "training_card.json"


def denoiser_card(folder: Path) -> dict:
    """The training card of a pipeline's denoiser, empty where there is none; that of a tuned one keeps it inside."""
    path = folder / CARD
    card = json.loads(path.read_text()) if path.is_file() else {}
    return card.get("teacher", card)


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
