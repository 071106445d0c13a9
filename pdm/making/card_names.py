"""The models that a training card names: by their own names, not by where on some machine they lie."""

from __future__ import annotations

from pathlib import Path

from pdm.pipelines.loading import PIPELINE
from pdm.support.local_paths import last_name

INSIDE = ("teacher", "started_from", "net_from")  # the cards of other models in a card


def with_names(card: dict) -> dict:
    """The card with the names of the models in it, and in the cards inside it, in place of their paths or hub ids."""
    found = dict(card)
    if isinstance(config := card.get("config"), dict):
        begun = {key: model_name(path) for key in ("start", "net_from") if isinstance(path := config.get(key), str)}
        found["config"] = config | begun
        if isinstance(latent := config.get("latent"), dict) and Path(latent.get("autoencoder") or "").is_absolute():
            found["config"]["latent"] = latent | {"autoencoder": last_name(latent["autoencoder"])}
    return found | {name: with_names(inner) for name in INSIDE if isinstance(inner := card.get(name), dict)}


def model_name(path: str) -> str:
    """What a model at a path, or of a hub id, is called: one that is a run's pipeline, as the run."""
    name = last_name(path)
    of_run = last_name(path.rstrip("/\\").removesuffix(PIPELINE)) if name == PIPELINE else ""
    return of_run or name
