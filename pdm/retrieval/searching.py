"""What every memory can do, in RAM or in files: find neighbours by any index, and draw pseudo-queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdm.model.features import unit
from pdm.retrieval.index import Index, check_index, make_index


class Searching:
    """For a class with the methods of `pdm.retrieval.index.Vectors`, whose vectors have unit length, and two tensors:

    `popularity` (N,): how often an entry is a neighbour of a training image; `source_ids` (N,): the row of the training
    set an entry came from.
    """

    index_name = "exact"
    index_folder: Path | None = None  # where an index that takes long to build is kept
    popularity: torch.Tensor
    source_ids: torch.Tensor
    _index: Index | None = None

    if TYPE_CHECKING:  # what the class itself brings

        @property
        def dim(self) -> int: ...

        def __len__(self) -> int: ...

        def rows(self, start: int, stop: int) -> np.ndarray: ...

        def digest(self) -> str: ...

        def vectors(self, ids: torch.Tensor) -> torch.Tensor: ...

    @property
    def index(self) -> Index:
        """The index, made on first use; on unit vectors Euclidean and cosine order agree."""
        if self._index is None:
            self._index = make_index(self.index_name, self, self.index_folder)
        return self._index

    def use_index(self, name: str) -> Any:
        """Search by the index of this name (see `pdm.retrieval.index.make_index`) from now on; returns itself."""
        self.index_name, self._index = check_index(name), None
        return self

    def search(self, queries: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The k nearest entries of each query (B, E): ids (B, k), nearest first, and Euclidean distances (B, k)."""
        if not 1 <= k <= len(self):
            raise ValueError(f"neighbours: expected between 1 and {len(self)}, got {k}")
        ids, distances = self.index.search(np.ascontiguousarray(unit(queries).cpu().float().numpy()), k)
        return torch.from_numpy(ids), torch.from_numpy(distances)

    def neighbours_of(self, queries: torch.Tensor, source_ids: torch.Tensor, k: int) -> torch.Tensor:
        """The k nearest entries (B, k) of images, without the entry of the image itself: it would be the answer."""
        ids, _ = self.search(queries, k + 1)
        own = self.source_ids[ids] == source_ids[:, None]
        keep = torch.argsort(own.int(), dim=1, stable=True)[:, :k]  # an own entry moves to the end
        return ids.gather(1, keep)

    def popular(self, top_m: float) -> torch.Tensor:
        """The ids of the share `top_m` of entries that are most often a training image's neighbour, those first."""
        if not 0 < top_m <= 1:
            raise ValueError(f"top_m: expected a share in (0, 1], got {top_m}")
        return self.popularity.argsort(descending=True, stable=True)[: max(1, round(top_m * len(self)))]

    def pseudo_queries(self, generators: list[torch.Generator], top_m: float = 0.01) -> torch.Tensor:
        """One entry id per generator, from the top m of the bank by popularity (Blattmann et al. 2022, Sec. 3.3)."""
        pool = self.popular(top_m)
        return torch.stack([pool[torch.randint(len(pool), (1,), generator=g)][0] for g in generators])
