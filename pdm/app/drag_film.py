"""One star drawn over the map, and what it paints at each place of its way: how the page moves at first."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdm.app.painting import run
from pdm.app.requests import Request, resolved
from pdm.app.shown_set import ShownSet
from pdm.app.sketches import sketched
from pdm.app.studio import Studio
from pdm.editing.edits import apply

PLACES, PICTURES = 8, 8
SEED = 1
FAR = 0.35  # of the map's width that the way is long, about


@dataclass(frozen=True, eq=False)
class DragFilm:
    """`path`: the places (x, y) of prototype `star`, from its own on; `images`: uint8 (PLACES * PICTURES, C, H, W).

    The first row of pictures is painted in full, as the star ends where it began; those on its way are sketches.
    """

    star: int
    path: tuple[tuple[float, float], ...]
    images: torch.Tensor


def drag_film(studio: Studio) -> DragFilm | None:
    """The film of the prototype that all lists begin with on its way to one of another class; None for a model of one.

    That is the most used one of the first class, which is likelier to be named than the most used of all.
    """
    shown_set = studio.shown_set()
    if len(shown_set.prototypes.ids) < 2:
        return None
    star = shown_set.order[0]
    (x, y), (to_x, to_y) = shown_set.xy[star], shown_set.xy[_goal(shown_set, star)]
    parts = [i / (PLACES - 1) for i in range(PLACES)]
    path = tuple((x + part * (to_x - x), y + part * (to_y - y)) for part in parts)
    whole = resolved(studio, Request(prototypes=(star,), count=PICTURES, seed=SEED))
    rows = [whole, *(_sketch(shown_set, star, place) for place in path[1:])]
    return DragFilm(star, path, torch.cat([_painted(studio, request) for request in rows]))


def _goal(shown_set: ShownSet, star: int) -> int:
    """A prototype of another class, where there are several, neither next to the star nor at the far end of the map."""
    x = shown_set.map.xy[:, 0]
    far, here = FAR * float(x.max() - x.min()), torch.tensor(shown_set.xy[star])
    rest = [k for k in shown_set.prototypes.ids if k != star]
    others = [k for k in rest if shown_set.classes[k] != shown_set.classes[star]] or rest
    return min(others, key=lambda k: abs(float((torch.tensor(shown_set.xy[k]) - here).norm()) - far))


def _sketch(shown_set: ShownSet, star: int, place: tuple[float, float]) -> Request:
    """Pictures of a prototype moved to a place."""
    moved, _ = apply(shown_set.prototypes, "move", {"id": star, "point": list(place)}, shown_set.edit_context)
    request = Request(prototypes=(star,), count=PICTURES, seed=SEED, prototype_set=moved)
    return resolved(shown_set.studio, sketched(shown_set.studio, request))


def _painted(studio: Studio, request: Request) -> torch.Tensor:
    *_, last = run(studio, request)
    return last.images
