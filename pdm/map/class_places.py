"""Where on a map the name of a class stands: where most of what lies there is its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

CELLS = 16  # along each side of the map


def class_places(xy: torch.Tensor, labels: torch.Tensor) -> dict[int, tuple[float, float]]:
    """The place of each class's name, by label, for images at `xy` (N, 2) with `labels` (N,), -1 for none.

    The middle of a class is no place for its name where it lies in several parts, or all over the map as the others do.
    """
    labels, known = labels.long(), labels >= 0
    if not known.any():
        return {}
    low, high = xy.min(0).values, xy.max(0).values
    cells = ((xy - low) / (high - low).clamp(min=1e-9) * CELLS).long().clamp(max=CELLS - 1)
    counts = torch.zeros(int(labels.max()) + 1, CELLS, CELLS)
    where = (labels[known], cells[known, 0], cells[known, 1])
    counts.index_put_(where, torch.ones(int(known.sum())), accumulate=True)
    near = F.avg_pool2d(counts, 3, 1, 1)  # of a cell and those round it
    own = near.square() / near.sum(0).clamp(min=1e-9)  # how many, times their share
    places = {}
    for label in labels[known].unique().tolist():
        best = own[label].argmax()
        beside = (cells - torch.stack([best // CELLS, best % CELLS])).abs().amax(1) <= 1
        x, y = xy[(labels == label) & beside].median(0).values.tolist()
        places[label] = (x, y)
    return places
