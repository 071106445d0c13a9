"""What the files and parts of a model in the making are called; nothing heavy, for who only looks at them."""

from __future__ import annotations

from pathlib import Path

WORK = ".making"  # in the model's folder: the plan, and what the steps need until all is made
PLAN = "plan.json"  # in there, as are the next three
FINISH = "finish"  # there where the denoiser has learned enough, whatever was planned
SHEET_FILE, FOUND_FILE = "found.png", "found.json"  # images to look at, and what was found, in words
README = "README.md"  # in the model's folder, and the last that is made

PROTOTYPES, DENOISER, MEMORY, RDM = "prototypes", "denoiser", "RDM's memory", "RDM's denoiser"
LATENTS = "latents"
STUDENT, MAP, CLASSIFIER, CARD = "student", "map", "classifier", "model card"

MINUTES = 45.0  # where none are named
SIZES = (32, 64)  # sides that are painted in pixels
LATENT_SIZES = (128, 256, 512)  # those that are painted as latents of an autoencoder


def complete(out: Path) -> bool:
    """Whether all of a planned model is there."""
    return (Path(out) / README).is_file() and [p.name for p in (Path(out) / WORK).iterdir()] == [PLAN]
