"""What conditioned a picture, for each of the methods."""

from __future__ import annotations

from collections.abc import Sequence

from pdm.app.studio import Studio
from pdm.ui.components.picture_grid import Item, pictures
from pdm.ui.shared.neighbours import NOT_NEEDED, neighbour_views
from pdm.ui.shared.session import Batch
from pdm.ui.shared.wording import COLOURS, bars, heading

NULL_BRANCH = "PDM's own net, given its null token."


def evidence_views(studio: Studio, batch: Batch, index: int) -> tuple[str, dict]:
    """What conditioned one picture: prototypes with weights, neighbours with distances, or nothing."""
    pairs = batch.evidence[index]
    if batch.request.method == "pdm":
        shown_set = batch.shown_set(studio)
        items = [Item(k, shown_set.names[k], f"{100 * w:.0f} %", shown_set.colours[k], w) for k, w in pairs]
        images = shown_set.pictures([k for k, _ in pairs])
        title = heading("Prototypes and their weights", NOT_NEEDED if studio.map.generated else "")
        return title, pictures(images, items, across=4, still=True)
    if batch.request.method == "rdm":
        return neighbour_views(studio, pairs)
    if batch.request.method == "unconditional":
        own = "A net that was trained without any condition." if "unconditional" in studio.others else NULL_BRANCH
        return heading("No condition", own), pictures(None, [])
    return own_prototypes(studio, batch, pairs), pictures(None, [])


def own_prototypes(studio: Studio, batch: Batch, pairs: Sequence[tuple[int, float]]) -> str:
    """The prototypes, by name, of a method whose bank has no map."""
    method = batch.request.method
    names = studio.pipeline(method).bank.names
    rows = [(names[k], w, f"{100 * w:.0f} %", COLOURS[method]) for k, w in pairs]
    said = "Of the first step; each later one drew another." if method == "paper" else "Those of its own bank."
    return heading("Prototypes and their weights", said) + bars(rows)
