"""RDM's memory: the embeddings of N images, in RAM. `pdm.retrieval.large_memory` is for those that do not fit there."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from diffusers.configuration_utils import register_to_config

from pdm.model.features import unit
from pdm.model.part import Part
from pdm.retrieval.searching import Searching


class Memory(Searching, Part):
    """N unit embeddings (N, E), float32; see `pdm.retrieval.searching.Searching` for `popularity` and `source_ids`."""

    embeddings: torch.Tensor
    popularity: torch.Tensor
    source_ids: torch.Tensor

    @register_to_config
    def __init__(self, entries: int = 1, dim: int = 128):
        super().__init__()
        self.register_buffer("embeddings", torch.zeros(entries, dim))
        self.register_buffer("popularity", torch.zeros(entries, dtype=torch.int32))
        self.register_buffer("source_ids", torch.full((entries,), -1, dtype=torch.int32))

    @classmethod
    def build(cls, embeddings: torch.Tensor, source_ids: torch.Tensor) -> Memory:
        """A memory of the given embeddings (N, E); they are normalised here."""
        if len(embeddings) < 2 or not torch.isfinite(embeddings).all():
            raise ValueError(f"memory: expected at least 2 finite embeddings, got {tuple(embeddings.shape)}")
        memory = cls(*embeddings.shape)
        memory.embeddings.copy_(unit(embeddings))
        memory.source_ids.copy_(source_ids)
        return memory

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def dim(self) -> int:
        return self.embeddings.shape[1]

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """The embeddings (..., E) of entries (...), on the CPU."""
        return self.embeddings[ids.to(self.embeddings.device)].cpu()

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self.embeddings[start:stop].cpu().float().numpy()

    def digest(self) -> str:
        return hashlib.sha256(self.rows(0, len(self)).tobytes()).hexdigest()[:16]

    def count_popularity(self, neighbours: torch.Tensor) -> None:
        """Record how often each entry is a neighbour in the training table (N, k)."""
        self.popularity.copy_(torch.bincount(neighbours.flatten(), minlength=len(self)))

    def bytes_on_disk(self) -> int:
        """Bytes of what retrieval must keep: embeddings and popularity."""
        return sum(t.numel() * t.element_size() for t in (self.embeddings, self.popularity, self.source_ids))

    def bytes_in_ram(self) -> int:
        """The same with the index, which holds its own copy."""
        return self.bytes_on_disk() + self.index.ram_bytes
