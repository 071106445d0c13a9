"""A link to one picture: model, mix, seed and all else that makes it again, edited prototypes too where they fit in.

/?model=fashion-mnist&seed=7&prototypes=3,17&weights=0.7,0.3&steps=10&guidance=2.0&sampler=dpm%2B%2B2m&count=16&picture=4
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pdm.app.requests import MAX_SEED, Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.studio import Studio
from pdm.editing.history import EditHistory
from pdm.editing.prototype_set import PrototypeSet
from pdm.editing.set_file import from_delta, to_delta
from pdm.ui.shared.session import Picks

LONGEST = 6000  # characters of edited prototypes in an address: servers on the way take about 8,000 of all
SWOLLEN = 1_000_000  # bytes of them, no longer compressed
# JavaScript: the language that the address asks for (see words.js), as "lang=de", or "". It stays when all else goes.
LANGUAGE = r"(/[?&](lang=[\w-]+)/.exec(location.search)?.[1] ?? '')"
# JavaScript: let the address ask for nothing else any more.
ASK_NOTHING = f"history.replaceState(null, '', location.pathname + {LANGUAGE}.replace(/^./, '?$&') + location.hash)"
COPY = f"""
async link => {{
  const language = {LANGUAGE}, query = link.query + (language && `&${{language}}`);
  const url = `${{location.origin}}${{location.pathname}}?${{query}}${{location.hash}}`;
  history.replaceState(null, '', url);
  let said = 'Copied.';
  try {{ await navigator.clipboard.writeText(url); }} catch {{ said = 'The link is in the address bar now.'; }}
  return `<div class="status" role="status">${{said}} ${{link.note}}<span></span></div>`;
}}
"""
FILE_NOTE = "The edited prototypes are too many for a link: send the file along that was just downloaded."
NEEDS_FILE = (
    "This link is to a picture of edited prototypes. Load the file that came with it (Prototypes, Save and load), "
    "then open the link again."
)


@dataclass(frozen=True)
class Asked:
    """What a link asks for; empty if that is nothing, or something that does not exist."""

    prototypes: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    seed: int | None = None


def query(model: str, seed: int, picks: Picks) -> str:
    """The part of the link after the question mark that says which prototypes, and from which noise."""
    values = {"model": model, "seed": seed}
    if picks.ids:
        values["prototypes"] = ",".join(map(str, picks.ids))
        values["weights"] = ",".join(repr(float(w)).removesuffix(".0") for w in picks.weights)
    return urlencode(values, safe=",")


def to_picture(studio: Studio, request: Request, index: int) -> tuple[str, bool]:
    """The same for one picture of a resolved request, and whether its set is too large and only named."""
    values = {"steps": request.steps, "guidance": repr(request.scale), "sampler": request.sampler}
    values |= {"count": request.count, "picture": index}
    values |= {"negative": ",".join(map(str, request.negative))} if request.negative else {}
    edited, fits = request.prototype_set, True
    if edited is not None:
        delta = json.dumps(to_delta(edited, studio.base), separators=(",", ":"), ensure_ascii=False)
        packed = base64.urlsafe_b64encode(zlib.compress(delta.encode(), 9)).decode().rstrip("=")
        fits = len(packed) <= LONGEST
        values |= {"set": packed} if fits else {"set_file": edited.digest}
    picks = Picks(request.prototypes, request.weights)
    return f"{query(studio.name, request.seed, picks)}&{urlencode(values, safe=',')}", not fits


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


def picture(studio: Studio, history: EditHistory, params: Mapping[str, str]) -> tuple[Request, int] | None:
    """What makes the picture of a link, resolved, and which one of it that is; None for a link to none.

    history: of the visitor's own set, where one that is only named may be. Raises ValueError for a damaged link.
    """
    if "picture" not in params or "seed" not in params:
        return None
    edited = _set_of(studio, history, params)
    asked = parsed(studio.shown_set(edited), params)
    if asked.seed is None or bool(params.get("prototypes")) != bool(asked.prototypes):
        raise ValueError("link: expected a whole one, got another")
    request = Request(
        prototypes=asked.prototypes,
        weights=asked.weights,
        negative=tuple(int(k) for k in params.get("negative", "").split(",") if k),
        seed=asked.seed,
        count=_whole(params, "count"),
        steps=_whole(params, "steps"),
        guidance=float(params.get("guidance", "")),
        sampler=params.get("sampler", ""),
        prototype_set=None if edited == studio.base else edited,
    )
    return resolved(studio, request), min(_whole(params, "picture"), request.count - 1)


def _set_of(studio: Studio, history: EditHistory, params: Mapping[str, str]) -> PrototypeSet:
    if "set_file" in params:
        known = [prototypes for _, prototypes in history.steps if prototypes.digest == params["set_file"]]
        if not known:
            raise ValueError(NEEDS_FILE)
        return known[0]
    if not params.get("set"):
        return studio.base
    try:
        raw = base64.urlsafe_b64decode(params["set"] + "=" * (-len(params["set"]) % 4))
        unpacking = zlib.decompressobj()
        values = json.loads(unpacking.decompress(raw, SWOLLEN))
    except (ValueError, zlib.error, RecursionError) as error:
        raise ValueError("link: expected whole prototypes in it, got a part of them") from error
    return from_delta(values, studio.base)


def _whole(params: Mapping[str, str], field: str) -> int:
    """A number of the link. Raises ValueError for anything else."""
    text = params.get(field, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise ValueError(f"{field}: expected a whole number, got another")
    return int(text)
