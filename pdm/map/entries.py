"""What the entries of an RDM's memory were, besides their embeddings: their classes, and their pictures found again."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pdm.data.images import ImageData
from pdm.model.encoders import embed_all
from pdm.pipelines.rdm import RDMPipeline
from pdm.support.files import atomic_file

FILE = "entries.safetensors"  # in the pipeline's folder
SAME = 0.999  # cosine of the embeddings of one image, decoded here and where the memory was made
MOST_LOST = 0.01  # share of entries that may have no picture


def save_classes(labels: torch.Tensor, folder: Path) -> None:
    """Write the class (N,) of each entry, -1 for none, beside the memory."""
    with atomic_file(Path(folder) / FILE) as part:
        save_file({"labels": labels.to(torch.int16).contiguous()}, part)


def load_classes(folder: Path, entries: int) -> torch.Tensor | None:
    """The class (N,) of each entry, or None where none were saved. Raises ValueError for a file of other entries."""
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        labels = load_file(path)["labels"].long()
    except (OSError, KeyError, SafetensorError) as error:
        raise ValueError(f"{path}: expected the classes of a memory, got a damaged file") from error
    if len(labels) != entries:
        raise ValueError(f"{path}: expected {entries} classes, as many as the memory has entries, got {len(labels)}")
    return labels


@torch.no_grad()
def find_entries(pipeline: RDMPipeline, data: ImageData) -> tuple[torch.Tensor, torch.Tensor]:
    """The image of `data` that each entry was made from: rows (N,), and whether there is one (N,).

    Entries are in the order of their `source_ids`. Images are recognised by their embeddings, so a copy of the data
    set may have another order and other splits.
    """
    memory = pipeline.memory
    embeddings = embed_all(pipeline.embedder.embed, data.images)
    order = memory.source_ids.argsort()
    best = [(part @ embeddings.T).max(1) for part in memory.embeddings[order].split(1000)]
    return torch.cat([b.indices for b in best]), torch.cat([b.values for b in best]) > SAME


def check_found(found: torch.Tensor, name: str) -> None:
    """Raises ValueError where too many entries (N,) have no picture: it is another data set."""
    if (~found).float().mean() > MOST_LOST:
        raise ValueError(
            f"data set {name!r}: expected the one that the model was trained on, "
            f"found {int(found.sum())} of the {len(found)} images of its memory in it"
        )
