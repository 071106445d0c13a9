"""The ablation as tables one can read: what is trained, and what is drawn from it.

All runs see the same images in the same order with the same net and learning rates. They differ only in the changes to
their presets that are listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pdm.config import PRESETS, MemoryConfig, PrototypeConfig, TrainConfig, preset
from pdm.support.checks import some_of

DEFAULT = "pdm"  # the row that all others are compared with
WARMUP_SHARE = 0.05  # of the images, as in the presets
# What comes before the denoiser is shortened for all rows alike, so that a run takes about ten minutes on a core.
PROTOTYPES = {"warmup_batch": 256}
MEMORY = {"encoder_steps": 600, "encoder_batch": 256}
Part = TypeVar("Part", PrototypeConfig, MemoryConfig)


@dataclass(frozen=True)
class Run:
    """One training: a preset with changes to its prototypes, memory or optimizer, for each of `seeds` seeds."""

    preset: str
    objective: str | None = None  # the preset whose prototypes are learned instead
    prototypes: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    optimizer: str = "adamw"
    seeds: int = 1

    def config(self, net: str, images: int, size: int, seed: int) -> TrainConfig:
        """The preset's objective, chain and memory with these changes, and the default's learning rates."""
        base, warmup = preset(self.preset, self.objective, net), round(WARMUP_SHARE * images)
        optim = replace(PRESETS[DEFAULT].optim, images=images, warmup_images=warmup, optimizer=self.optimizer)
        return replace(
            base,
            optim=optim,
            prototypes=replace(shortened(base.prototypes, PROTOTYPES), **self.prototypes),
            memory=replace(shortened(base.memory, MEMORY), **self.memory),
            image_size=size,
            seed=seed,
        )


def shortened(part: Part, most: Mapping[str, int]) -> Part:
    """The same with each of these fields at most that large."""
    return replace(part, **{name: min(getattr(part, name), value) for name, value in most.items()})


RUNS: dict[str, Run] = {
    "unconditional": Run("unconditional", seeds=2),
    "paper": Run("paper", seeds=2),
    "paper-edm": Run("pdm", objective="paper", seeds=2),
    "pdm-1-token": Run("pdm", prototypes={"tokens": 1}, seeds=2),
    "pdm": Run("pdm", seeds=2),
    "rdm": Run("rdm", seeds=2),
    "s-pdm": Run("s-pdm"),
    # The baseline of the paper (ProtoDiffusion, arXiv 2307.01924): prototypes of the classes, learned apart by a
    # classifier, stay as they are while the denoiser learns, and each picture is conditioned on that of its class.
    "protodiffusion": Run("s-pdm", prototypes={"blended": 0.0, "frozen_from": 0.0}),
    "rdm-k1": Run("rdm", memory={"neighbours": 1}),
    "rdm-k8": Run("rdm", memory={"neighbours": 8}),
    "pdm-muon": Run("pdm", optimizer="muon", seeds=2),
    "pdm-K8": Run("pdm", prototypes={"count": 8}),
    "pdm-K32": Run("pdm", prototypes={"count": 32}),
    "pdm-K128": Run("pdm", prototypes={"count": 128}),
    "pdm-K256": Run("pdm", prototypes={"count": 256}),
}


@dataclass(frozen=True)
class Row:
    """One line of the table: a run, and how its samples are drawn.

    `frequencies`: how often prototypes are drawn: "data", "uniform", or "rare" (the least used quarter alone).
    """

    what: str
    run: str
    variant: Mapping[str, Any] = field(default_factory=dict)  # changes to a plain `Variant`
    sampling: Mapping[str, Any] = field(default_factory=dict)  # to the rows' `Sampling`
    frequencies: str = "data"


ROWS: dict[str, Row] = {
    "unconditional": Row("a net without any condition", "unconditional", {"unconditional": True}),
    "paper-redrawn": Row(
        "published PDM: another prototype at every step, drawn uniformly", "paper", {"redraw_each_step": True}
    ),
    "paper-kept": Row(
        "published PDM, one prototype kept for the whole picture, drawn uniformly", "paper", frequencies="uniform"
    ),
    "paper-ancestral": Row(
        "published PDM, redrawn, 100 steps of its own ancestral sampler",
        "paper",
        {"redraw_each_step": True},
        {"sampler": "ddpm", "steps": 100},
    ),
    "paper-edm": Row("published prototypes, else as the default", "paper-edm"),
    "pdm-1-token": Row("balanced prototypes, the nearest one as the only token", "pdm-1-token"),
    "pdm": Row("balanced prototypes, eight weighted tokens: the default", "pdm"),
    "rdm-whole": Row("RDM, pseudo-queries from the whole memory", "rdm", {"top_m": 1.0}),
    "rdm-top-1": Row("RDM, pseudo-queries from the top 1 %, as published", "rdm", {"top_m": 0.01}),
    "s-pdm": Row("s-PDM: the prototype of the class label", "s-pdm"),
    "protodiffusion": Row(
        "ProtoDiffusion: class prototypes of a classifier, learned before and then frozen", "protodiffusion"
    ),
    "rdm-k1": Row("RDM with one neighbour, whole memory", "rdm-k1", {"top_m": 1.0}),
    "rdm-k8": Row("RDM with eight neighbours, whole memory", "rdm-k8", {"top_m": 1.0}),
    "pdm-K8": Row("8 prototypes", "pdm-K8"),
    "pdm-K32": Row("32 prototypes", "pdm-K32"),
    "pdm-K128": Row("128 prototypes", "pdm-K128"),
    "pdm-K256": Row("256 prototypes", "pdm-K256"),
    "pdm-muon": Row("the default, the matrices inside its net learned by Muon", "pdm-muon"),
    "pdm-uniform": Row("the default, prototypes drawn uniformly", "pdm", frequencies="uniform"),
    "pdm-rare": Row("the default, only the least used quarter of prototypes drawn", "pdm", frequencies="rare"),
    "pdm-guidance-1.5": Row("the default, guidance 1.5", "pdm", sampling={"guidance": 1.5}),
    "pdm-guidance-2": Row("the default, guidance 2", "pdm", sampling={"guidance": 2.0}),
    "pdm-guidance-3": Row("the default, guidance 3", "pdm", sampling={"guidance": 3.0}),
    "pdm-guidance-interval": Row(
        "the default, guidance 2 at middle noise levels only",
        "pdm",
        sampling={"guidance": 2.0, "guidance_interval": (0.2, 5.0)},
    ),
}


def chosen_rows(only: str | None) -> list[str]:
    """The names in "pdm,rdm-whole" in the table's order, or all; raises ValueError for an unknown one."""
    if only is None:
        return list(ROWS)
    names = some_of("--only", only, ROWS)
    return [name for name in ROWS if name in names]
