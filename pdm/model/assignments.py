"""The small table of training assignments that sampling draws its conditions from."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

TABLE_ROWS = 1024  # of eight (id, weight) pairs in a byte each: 16 KB


class AssignmentTable(nn.Module):
    """R rows of (ids, weights), each (R, M), as frequent as in the data; weights are kept in 255ths.

    Rows are a systematic sample of the training assignments in lexicographic order. Each prototype, and each pair of
    first and second prototype, thus gets its share to within a row, which a random sample of this size misses by far.
    """

    ids: torch.Tensor
    weights: torch.Tensor

    def __init__(self, tokens: int, count: int):
        super().__init__()
        first = torch.arange(TABLE_ROWS)[:, None] % count
        kind = torch.uint8 if count <= 256 else torch.int16
        self.register_buffer("ids", ((first + torch.arange(tokens)) % count).to(kind))
        weights = torch.zeros(TABLE_ROWS, tokens, dtype=torch.uint8)
        weights[:, 0] = 255
        self.register_buffer("weights", weights)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, drawn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The drawn rows (B,): ids (B, M) and weights (B, M) that sum to 1."""
        weights = self.weights[drawn].float()
        return self.ids[drawn].long(), weights / weights.sum(-1, keepdim=True)

    def record(self, ids: torch.Tensor, weights: torch.Tensor, generator: torch.Generator) -> None:
        """Take the rows from the assignments (N, M) of a training set, nearest prototype first."""
        keys = [-weights[:, 0].cpu().numpy(), *ids.cpu().numpy().T[::-1]]  # numpy sorts by the last key first
        order = torch.from_numpy(np.lexsort(keys))
        start = torch.rand((), generator=generator, dtype=torch.float64)
        positions = (torch.arange(len(self), dtype=torch.float64) + start) * len(ids) / len(self)
        chosen = order[positions.long().clamp(max=len(ids) - 1)].to(ids.device)
        self.ids.copy_(ids[chosen])
        self.weights.copy_((255 * weights[chosen]).round())

    def resampled(self, shares: torch.Tensor) -> AssignmentTable:
        """The same rows with other frequencies: prototype k is the nearest in `shares[k]` of them, to within a row.

        A prototype that is the nearest in no row of this table gets rows of itself alone.
        """
        ids, weights = self.ids.long(), self.weights
        nearest = torch.bincount(ids[:, 0], minlength=len(shares))
        absent = ((nearest == 0) & (shares > 0)).nonzero()  # (A, 1)
        alone = torch.zeros(len(absent), weights.shape[1], dtype=weights.dtype)
        alone[:, 0] = 255
        ids = torch.cat([ids, absent.expand(-1, ids.shape[1])])
        weights = torch.cat([weights, alone])
        order = ids[:, 0].argsort(stable=True)
        of_a_row = (shares.double() / nearest.clamp(min=1))[ids[order, 0]].cumsum(0)
        positions = (torch.arange(len(self), dtype=torch.float64) + 0.5) / len(self) * of_a_row[-1]
        chosen = order[torch.searchsorted(of_a_row, positions)]
        table = AssignmentTable(ids.shape[1], len(shares))
        table.ids.copy_(ids[chosen])
        table.weights.copy_(weights[chosen])
        return table

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.weights.nbytes
