"""RDM's memory: the embeddings of N images and an exact index over them (FAISS)."""

from __future__ import annotations

import faiss
import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from pdm.features import unit


class Memory(ModelMixin, ConfigMixin):
    """N unit embeddings (N, E), float32.

    `popularity` (N,): how often an entry is a neighbour of a training image; `source_ids` (N,): the row of the training
    set an entry came from.
    """

    @register_to_config
    def __init__(self, entries: int = 1, dim: int = 128):
        super().__init__()
        self.register_buffer("embeddings", torch.zeros(entries, dim))
        self.register_buffer("popularity", torch.zeros(entries, dtype=torch.int32))
        self.register_buffer("source_ids", torch.full((entries,), -1, dtype=torch.int32))
        self._index: faiss.Index | None = None

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
    def index(self) -> faiss.Index:
        """The exact index, built on first use; on unit vectors Euclidean and cosine order agree."""
        if self._index is None:
            self._index = faiss.IndexFlatL2(self.embeddings.shape[1])
            self._index.add(self.embeddings.cpu().float().numpy())
        return self._index

    def search(self, queries: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The k nearest entries of each query (B, E): ids (B, k), nearest first, and Euclidean distances (B, k)."""
        if not 1 <= k <= len(self):
            raise ValueError(f"neighbours: expected between 1 and {len(self)}, got {k}")
        squared, ids = self.index.search(unit(queries).cpu().float().numpy(), k)
        return torch.from_numpy(ids), torch.from_numpy(np.sqrt(np.maximum(squared, 0)))

    def neighbours_of(self, queries: torch.Tensor, source_ids: torch.Tensor, k: int) -> torch.Tensor:
        """Training neighbours (B, k) of images given by row, their own entries left out: those would be the answer."""
        ids, _ = self.search(queries, k + 1)
        own = self.source_ids[ids] == source_ids[:, None]
        keep = torch.argsort(own.int(), dim=1, stable=True)[:, :k]  # an own entry moves to the end
        return ids.gather(1, keep)

    def count_popularity(self, neighbours: torch.Tensor) -> None:
        """Record how often each entry is a neighbour in the training table (N, k)."""
        self.popularity.copy_(torch.bincount(neighbours.flatten(), minlength=len(self)))

    def pseudo_queries(self, generators: list[torch.Generator], top_m: float = 0.01) -> torch.Tensor:
        """One entry id per generator, from the top m of the bank by popularity (Blattmann et al. 2022, Sec. 3.3)."""
        if not 0 < top_m <= 1:
            raise ValueError(f"top_m: expected a share in (0, 1], got {top_m}")
        pool = self.popularity.argsort(descending=True, stable=True)[: max(1, round(top_m * len(self)))]
        return torch.stack([pool[torch.randint(len(pool), (1,), generator=g)][0] for g in generators])

    def bytes_on_disk(self) -> int:
        """Bytes of what retrieval must keep: embeddings and popularity."""
        return sum(t.numel() * t.element_size() for t in (self.embeddings, self.popularity, self.source_ids))

    def bytes_in_ram(self) -> int:
        """The same with the index, which holds its own copy."""
        return self.bytes_on_disk() + self.index.ntotal * self.index.d * 4
