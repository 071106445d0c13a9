"""The ways to paint that a column of the Compare tab can show, and the samplers each of them can use."""

from __future__ import annotations

from dataclasses import dataclass

from pdm.app.hints import first_hint
from pdm.app.requests import AUTO, Request, max_steps, resolved, samplers
from pdm.app.studio import Studio
from pdm.methods import METHODS
from pdm.sampling.solvers import SAMPLERS


@dataclass(frozen=True)
class Way:
    """A method as a column shows it; `sampler` is the one that is chosen at first."""

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
OPENING = 9  # pictures of each method that the tab opens with


def ways(studio: Studio) -> list[tuple[str, str]]:
    """The ways that a model offers, and "Nothing": (title, key)."""
    return [*((way.title, key) for key, way in WAYS.items() if way.method in studio.methods), ("Nothing", NONE)]


def starting(studio: Studio) -> list[str]:
    """The keys of the ways that the columns show at first."""
    return [key if WAYS[key].method in studio.methods else NONE for key in FIRST]


def painters(studio: Studio, key: str) -> tuple[tuple[str, ...], int]:
    """A way's samplers, and the largest number of steps. Raises ValueError if its pipeline is damaged."""
    if key not in WAYS or (key == "unconditional" and key in studio.others):
        return (
            AUTO,
            *SAMPLERS,
        ), 100  # a net without any condition has no student: no need to load it for the first look
    pipeline = studio.pipeline(WAYS[key].method)
    return samplers(pipeline), max_steps(pipeline)


def first_request(studio: Studio, way: str) -> Request | None:
    """What a column paints when the tab is opened: the same seeds and the same hint as all others."""
    if way not in WAYS:
        return None
    method = WAYS[way].method
    guidance = studio.guidance if METHODS[method].has_null else 1.0
    hints = (first_hint(studio),) * OPENING
    return resolved(studio, Request(method, count=OPENING, seed=1, guidance=guidance, hints=hints))
