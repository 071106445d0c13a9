"""The neighbours that RDM retrieved for a picture, or words that say what is missing to show them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pdm.app.studio import Studio
from pdm.ui.components.picture_grid import Item, pictures
from pdm.ui.shared.wording import heading

MISSING = (
    "RDM needs pictures of its data set, which is not here: its memory has embeddings, classes and distances alone. "
    "PDM needs none of them."
)
ELSEWHERE = "Grey ones are not among the map's images."
NOT_NEEDED = "Shown by pictures that the model made: PDM needs none of the data set."


def neighbour_views(studio: Studio, pairs: Sequence[tuple[int, float]]) -> tuple[str, dict]:
    """A heading, and the retrieved entries of RDM's memory with their distances; grey if their picture is not here."""
    assert studio.rdm is not None
    entries = [k for k, _ in pairs]
    rows = studio.rdm.memory.source_ids[entries].tolist()
    known = [not studio.map.generated and r < len(studio.map) for r in rows]  # a memory may hold more than the map
    blank = torch.full_like(studio.map.images[0], 128)
    images = torch.stack([studio.map.images[r] if k else blank for r, k in zip(rows, known, strict=True)])
    names = [studio.class_of(r) if k else entry_class(studio, e) for e, r, k in zip(entries, rows, known, strict=True)]
    items = [
        Item(r, name, f"{d:.2f} away", named=name in studio.map.class_names)
        for r, name, (_, d) in zip(rows, names, pairs, strict=True)
    ]
    subtitle = MISSING if studio.map.generated else "" if all(known) else ELSEWHERE
    return heading("Neighbours retrieved", subtitle), pictures(images, items, across=4, still=True)


def entry_class(studio: Studio, entry: int) -> str:
    """The class that was stored with an entry of the memory."""
    label = -1 if studio.entry_classes is None else int(studio.entry_classes[entry])
    return studio.map.class_names[label] if 0 <= label < len(studio.map.class_names) else "not on the map"
