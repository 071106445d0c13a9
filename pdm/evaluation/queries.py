"""What the choice of queries does, apart from the method: PDM drawn from the images that RDM's queries come from."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from pdm.data.images import ImageData
from pdm.evaluation.drawing import Variant
from pdm.model.encoders import embed_all
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline


@torch.no_grad()
def draw_like(pdm: PDMPipeline, rdm: RDMPipeline, train: ImageData) -> Variant:
    """From now on `pdm` draws its conditions from the training images of RDM's most popular entries alone.

    They are the images behind RDM's pseudo-queries (Blattmann et al. 2022, Sec. 3.3), so that both methods paint from
    the same ones. Returns the way of drawing under its name. Raises ValueError for a memory of other images.
    """
    entries = rdm.memory.popular(rdm.config.top_m).cpu()
    rows = rdm.memory.source_ids.cpu()[entries].long()
    if len(train) <= rows.max() or not _are_of(rdm, entries, images := train.images[rows]):
        raise ValueError(f"RDM's memory: expected one of the training images of {train.name!r}, got one of others")
    ids, weights = pdm.bank.mixture(embed_all(pdm.bank.encode, images.to(pdm.device)))
    pdm.bank.table.record(ids, weights, torch.Generator().manual_seed(0))
    return Variant(f"pdm, queries of rdm top_m {rdm.config.top_m:g}")


def _are_of(rdm: RDMPipeline, entries: torch.Tensor, images: torch.Tensor) -> bool:
    """Whether the entries are what the memory's encoder makes of these images."""
    made = embed_all(rdm.embedder.embed, images.to(rdm.device)).cpu().float()
    return bool((F.cosine_similarity(made, rdm.memory.vectors(entries).cpu().float()) > 0.9).all())
