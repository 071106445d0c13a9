"""What a browser keeps of a visit besides sets and pictures: picks, settings, choices. Reading trusts nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields

import gradio as gr

from pdm.app.requests import MAX_COUNT, MAX_GUIDANCE, MAX_SEED, max_steps, samplers
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.support.checks import is_number, is_whole
from pdm.ui.shared.link import ASK_NOTHING
from pdm.ui.shared.session import Picks

# A script for events whose inputs are the model and then the values of controls: what the browser keeps of them.
KEEP = "(model, ...values) => ({model, values})"
# The browser forgets all that it kept, and the page begins anew.
FORGET = f"""
() => {{
  if (!confirm('Forget all that this browser kept: pictures, favourites, picks, edits, drawings, votes?')) return;
  localStorage.clear();
  {ASK_NOTHING};
  location.reload();
}}
"""


@dataclass(frozen=True)
class KeptStates:
    """What the browser keeps, each under its name, which guards nothing: it keeps the text readable after a restart.

    They stand outside of the tabs: inside of one they would be read only after it was opened.
    """

    picks: gr.BrowserState
    batches: gr.BrowserState
    favourites: gr.BrowserState
    settings: gr.BrowserState
    blend: gr.BrowserState
    walk: gr.BrowserState
    votes: gr.BrowserState

    @classmethod
    def laid_out(cls) -> KeptStates:
        names = [field.name for field in fields(cls)]
        return cls(*(gr.BrowserState({}, storage_key=name, secret=name) for name in names))

    @property
    def all(self) -> list[gr.BrowserState]:
        return [getattr(self, field.name) for field in fields(self)]


def picks_to_keep(model: str, picks: Picks) -> dict:
    return {"model": model, "ids": list(picks.ids), "weights": [round(w, 4) for w in picks.weights]}


def model_kept(kept: object, names: list[str]) -> str | None:
    """The model that a visit was at, None where it is not offered."""
    name = kept.get("model") if isinstance(kept, dict) else None
    return name if isinstance(name, str) and name in names else None


def picks_from(kept: object, shown_set: ShownSet) -> Picks:
    """The picks of this model; none where they are no prototypes of its set."""
    if not isinstance(kept, dict) or kept.get("model") != shown_set.studio.name:
        return Picks()
    ids, weights = kept.get("ids"), kept.get("weights")
    if not isinstance(ids, list) or not isinstance(weights, list) or len(ids) != len(weights):
        return Picks()
    known = all(is_whole(k, 0) and k in shown_set.names for k in ids) and len({*ids}) == len(ids)
    if not known or not all(is_number(w, 0, 1) for w in weights):
        return Picks()
    return Picks(tuple(ids), tuple(float(w) for w in weights)).within(shown_set.prototypes.active)


def values_from(kept: object, count: int, model: str | None = None) -> list | None:
    """The values that `KEEP` kept of so many controls; None where there are others, or of another model than named."""
    if not isinstance(kept, dict) or model not in (None, kept.get("model")):
        return None
    values = kept.get("values")
    return values if isinstance(values, list) and len(values) == count else None


def settings_from(kept: object, studio: Studio) -> dict:
    """Of the settings of Generate those that this model can have, by name. Guidance and sampler are a model's own."""
    values = values_from(kept, 6)
    if values is None:
        return {}
    count, steps, guidance, sampler, seed, locked = values
    same = isinstance(kept, dict) and kept.get("model") == studio.name
    found = {
        "count": is_whole(count, 1, MAX_COUNT),
        "steps": is_whole(steps, 1, max_steps(studio.pdm)),
        "guidance": same and is_number(guidance, 0, MAX_GUIDANCE),
        "sampler": same and isinstance(sampler, str) and sampler in samplers(studio.pdm),
        "seed": is_whole(seed, 0, MAX_SEED),
        "locked": isinstance(locked, bool),
    }
    return {name: value for (name, fits), value in zip(found.items(), values, strict=True) if fits}
