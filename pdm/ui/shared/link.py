"""A link that brings back a model's picks and seed: /?model=fashion-mnist&seed=7&prototypes=3,17&weights=0.7,0.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pdm.app.requests import MAX_SEED
from pdm.app.shown_set import ShownSet
from pdm.ui.shared.session import Picks

COPY = """
async link => {
  const url = `${location.origin}${location.pathname}?${link.query}`;
  history.replaceState(null, '', url);
  try { await navigator.clipboard.writeText(url); } catch { /* not allowed here: the address bar has it */ }
}
"""


@dataclass(frozen=True)
class Asked:
    """What a link asks for; empty if that is nothing, or something that does not exist."""

    prototypes: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    seed: int | None = None


def query(model: str, seed: int, picks: Picks) -> str:
    """The part of the link after the question mark."""
    values = {"model": model, "seed": seed}
    if picks.ids:
        values["prototypes"] = ",".join(map(str, picks.ids))
        values["weights"] = ",".join(f"{w:g}" for w in picks.weights)
    return urlencode(values, safe=",")


def parsed(shown_set: ShownSet, params: Mapping[str, str]) -> Asked:
    """What this visit's link asks for. Wrong values are ignored: the link may be old, or typed by hand."""
    if params.get("model", shown_set.studio.name) != shown_set.studio.name:
        return Asked()
    seed, ids, weights = None, (), ()
    try:
        ids = tuple(shown_set.check([int(k) for k in params.get("prototypes", "").split(",") if k]))
        weights = tuple(min(1.0, max(0.0, float(w))) for w in params.get("weights", "").split(",") if w)
    except ValueError:
        ids = ()
    if len(set(ids)) != len(ids):
        ids = ()
    if len(weights) != len(ids) or not all(w == w for w in weights):
        weights = (1.0,) * len(ids)
    if params.get("seed", "").isdecimal() and int(params["seed"][:12]) <= MAX_SEED:
        seed = int(params["seed"][:12])
    return Asked(ids, weights, seed)
