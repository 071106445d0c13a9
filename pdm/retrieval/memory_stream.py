"""A large memory for a trained RDM: a data set of any size streams through the model's own encoder into files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from pdm.data.stream import Skipped, batches, pictures
from pdm.model.encoders import CLIP_HUB, ClipEncoder, StaticEncoder, embed_all, encoder_name
from pdm.retrieval.build import Report, build, check_settings
from pdm.retrieval.encoded import is_static_encoder, load_static_encoder
from pdm.retrieval.large_memory import LargeMemory
from pdm.support.checks import reason
from pdm.support.files import read_json, write_json

BATCH = 500  # pictures decoded at once
SKIPPED = "skipped.json"


def stream_memory(
    source: str, folder: Path, encoder: str, *, entries: int, size: int, neighbours: int, index: str, report: Report
) -> LargeMemory:
    """Embed the first `entries` pictures of a data set into a folder, or go on with it; returns the memory.

    `encoder`: the folder of a static encoder, CLIP's, or "clip". Pictures are decoded a few hundred at a time, and
    complete files of embeddings are kept when this is killed. Raises ValueError for settings other than those the
    folder was begun with.
    """
    net: StaticEncoder | ClipEncoder
    if is_static_encoder(Path(encoder)):
        net = load_static_encoder(Path(encoder))
        name, channels = encoder_name(net, None), net.config.channels
    else:
        clip = CLIP_HUB if encoder == "clip" else encoder
        net, name, channels = ClipEncoder(clip), clip, 3
    settings = {"data": source, "size": size, "entries": entries, "encoder": name, "neighbours": neighbours}
    check_settings(Path(folder), settings)
    skipped = skipped_of(Path(folder))

    def embed(start: int) -> Iterator[torch.Tensor]:
        known = len(skipped.rows)
        for images in batches(pictures(source, start, size=size, skipped=skipped), size, channels, BATCH):
            if len(skipped.rows) > known:  # before their neighbours are kept: a run that goes on has to know them
                known = len(skipped.rows)
                write_json(Path(folder) / SKIPPED, asdict(skipped))
            yield embed_all(net.embed, images)

    about = {"data": source, "size": size, "encoder": name}
    build(Path(folder), about, embed, limit=entries, neighbours=neighbours, index=index, report=report)
    return LargeMemory(Path(folder), index)


def skipped_of(folder: Path) -> Skipped:
    """What could not be read while a memory was built; raises ValueError for a damaged record."""
    path = folder / SKIPPED
    if not path.is_file():
        return Skipped()
    try:
        found = read_json(path)
        return Skipped([int(row) for row in found["rows"]], [str(line) for line in found["said"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the rows that were skipped, got: {reason(error)}") from error
