"""What a column of the Compare tab can show of a model, and by which samplers that is painted."""

from __future__ import annotations

from dataclasses import dataclass

from pdm.app.requests import AUTO, max_steps, samplers
from pdm.app.studio import Studio
from pdm.sampling.solvers import SAMPLERS


@dataclass(frozen=True)
class Way:
    """A way to condition that a column can show; `sampler` is what it starts with."""

    title: str
    method: str
    top_m: float | None = None
    sampler: str = AUTO


# Queries from the most popular 1 % of the memory, as published, cover little of the data: the fairer RDM comes first.
WAYS = {
    "pdm": Way("PDM, prototypes", "pdm"),
    "rdm": Way("RDM, queries from the whole memory", "rdm", 1.0),
    "rdm-top": Way("RDM, queries from the top 1 % (published)", "rdm"),
    "unconditional": Way("Unconditional", "unconditional"),
    "s-pdm": Way("s-PDM, the prototype of a class", "s-pdm"),
    # Its own sampler takes 1000 steps, and in few of them paints noise: in ten, DPM-Solver++ is the fairer choice.
    "paper": Way("PDM as published, redrawn each step", "paper", sampler="dpm++2m"),
}
NONE = "none"
FIRST = ("pdm", "rdm", "unconditional")


def ways(studio: Studio) -> list[tuple[str, str]]:
    """What a column can show of a model: titles and keys."""
    return [*((way.title, key) for key, way in WAYS.items() if way.method in studio.methods), ("Nothing", NONE)]


def starting(studio: Studio) -> list[str]:
    """What the columns show first."""
    return [key if WAYS[key].method in studio.methods else NONE for key in FIRST]


def painters(studio: Studio, key: str) -> tuple[tuple[str, ...], int]:
    """The samplers of a way and its most steps. Raises ValueError where its pipeline is damaged."""
    if key not in WAYS or (key == "unconditional" and key in studio.others):
        return (
            AUTO,
            *SAMPLERS,
        ), 100  # a net without any condition has no student: no need to load it for the first look
    pipeline = studio.pipeline(WAYS[key].method)
    return samplers(pipeline), max_steps(pipeline)
