"""What the Generate tab says and shows of finished batches."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from pdm.app.requests import Request
from pdm.app.shown_set import ShownSet
from pdm.ui.components.picture_grid import Item
from pdm.ui.shared.session import Batch
from pdm.ui.shared.wording import count_of, painter, status


def said(batch: Batch) -> str:
    """The line over a finished batch."""
    request = batch.request
    what = f"{count_of(len(batch), 'picture')}{painter(request.sampler)}, {count_of(request.steps, 'step')}"
    return status(f"{what} in {batch.denoise_ms / 1000:.2g} s. Seed {request.seed}.")


def across(count: int) -> int:
    """How many pictures share a row: four if there are at most 16, else eight."""
    return 4 if count <= 16 else 8


def stacked(images: list[torch.Tensor]) -> torch.Tensor:
    """Pictures of different models as one (B, C, H, W): the largest size and channel count among them."""
    side = max(i.shape[-1] for i in images)
    channels = max(i.shape[0] for i in images)
    resized = [F.interpolate(i[None].float(), size=side, mode="nearest")[0].byte() for i in images]
    return torch.stack([i.expand(channels, -1, -1) for i in resized])


def made_from(shown_set: ShownSet, request: Request) -> str:
    if not request.prototypes:
        return "own mixes"
    names = [shown_set.names[k] for k in request.prototypes]
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"


def item_of(i: int, batch: Batch, shown_set: ShownSet) -> Item:
    """A batch in a strip of them, by what it was made from and its seed."""
    request = batch.request
    return Item(i, made_from(shown_set, request), f"seed {request.seed}", named=bool(request.prototypes))


def items_of(shown_set: ShownSet) -> list[Item]:
    """The prototypes of a set to pick from, each with its share of the images; a muted one can't be."""
    top = max(shown_set.shares.values()) or 1
    muted = {k for k in shown_set.names if shown_set.prototypes.get(k).muted}
    return [
        Item(
            k,
            shown_set.names[k],
            "muted" if k in muted else f"{100 * shown_set.shares[k]:.1f} %",
            shown_set.colours[k],
            shown_set.shares[k] / top,
            off=k in muted,
        )
        for k in shown_set.order
    ]
