"""Prototypes as values: a set of them is never changed, an edit makes another one that shares the rest with it."""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdm.editing.names import checked_name, checked_tags, printable, unique_name
from pdm.model.features import unit
from pdm.support.checks import expect, is_number, is_text, is_whole, known_ids, shown

if TYPE_CHECKING:
    from pdm.model.prototypes import PrototypeBank

MAX_PROTOTYPES = 512
MAX_DIM = 4096
MAX_BANK = 2**15  # ids of a bank fit its table of assignments
MAX_SCALE = 4.0
LENGTHS = (1e-6, 1e6)  # of a vector: shorter ones have no direction, longer ones no square in float32
DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Prototype:
    """One prototype. `vector` is float32, little endian; `usage` its share of the data.

    `scale` multiplies the guidance of pictures conditioned on it. `stands_for`: ids of the bank's prototypes whose
    rows of the table of assignments it takes. Raises ValueError for a value that no prototype can have.
    """

    id: int
    name: str
    vector: bytes = field(repr=False)
    usage: float
    tags: tuple[str, ...] = ()
    scale: float = 1.0
    muted: bool = False
    stands_for: tuple[int, ...] = ()

    def __post_init__(self):
        expect("id", self.id, "a whole number from 0", is_whole(self.id, 0))
        _check_vector(self.vector)
        expect("usage", self.usage, "a share from 0 to 1", is_number(self.usage, 0, 1))
        expect("scale", self.scale, f"a number from 0 to {MAX_SCALE:g}", is_number(self.scale, 0, MAX_SCALE))
        expect("muted", self.muted, "true or false", isinstance(self.muted, bool))
        expect("stands_for", self.stands_for, "a list of ids", isinstance(self.stands_for, (list, tuple)))
        for k in self.stands_for:
            expect("stands_for", k, f"whole numbers from 0 to {MAX_BANK - 1}", is_whole(k, 0, MAX_BANK - 1))
        repeated = len(set(self.stands_for)) != len(self.stands_for)
        expect("stands_for", self.stands_for, "each id once", not repeated)
        object.__setattr__(self, "name", checked_name(self.name))
        object.__setattr__(self, "tags", checked_tags(self.tags))
        object.__setattr__(self, "usage", float(self.usage))
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "stands_for", tuple(self.stands_for))


@dataclass(frozen=True)
class PrototypeSet:
    """Prototypes in the order of their ids, one at least unmuted. `next_id` is the next one's: none is used twice.

    Vectors are kept as they are and normalised where they become tokens: so the usage-weighted mean of a split
    prototype's children is the centroid of its images. Raises ValueError for values that make no set.
    """

    model: str
    model_hash: str
    prototypes: tuple[Prototype, ...]
    next_id: int
    spherical: bool = True

    def __post_init__(self):
        expect("model", self.model, "a name of 1 to 200 printable characters", is_text(self.model, 200))
        hexadecimal = isinstance(self.model_hash, str) and DIGEST.fullmatch(self.model_hash) is not None
        expect("model_hash", self.model_hash, "16 hexadecimal digits", hexadecimal)
        expect("spherical", self.spherical, "true or false", isinstance(self.spherical, bool))
        object.__setattr__(self, "prototypes", tuple(self.prototypes))
        n = len(self.prototypes)
        if not 1 <= n <= MAX_PROTOTYPES:
            raise ValueError(f"prototypes: expected 1 to {MAX_PROTOTYPES}, got {n}")
        ids = self.ids
        expect("ids", ids, "each once and in order", all(a < b for a, b in zip(ids, ids[1:], strict=False)))
        expect("next_id", self.next_id, f"a whole number above {ids[-1]}", is_whole(self.next_id, ids[-1] + 1))
        widths = {len(p.vector) // 4 for p in self.prototypes}
        expect("vectors", sorted(widths), "one width", len(widths) == 1)
        if all(p.muted for p in self.prototypes):
            raise ValueError(f"muted: expected at least one prototype that is not muted, got all {n} muted")

    @classmethod
    def of_bank(cls, bank: PrototypeBank, model: str, model_hash: str) -> PrototypeSet:
        """The prototypes as they were learned: ids 0 to K - 1, each standing for itself."""
        taken: list[str] = []
        for name in bank.names:  # class names are those of folders, which may be anything
            taken.append(unique_name(printable(name), taken))
        rows = zip(taken, bank.vectors, bank.usage.tolist(), strict=True)
        prototypes = tuple(
            Prototype(k, name, vector_bytes(vector), min(usage, 1.0), stands_for=(k,))
            for k, (name, vector, usage) in enumerate(rows)
        )
        return cls(model, model_hash, prototypes, len(prototypes), bank.config.spherical)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(p.id for p in self.prototypes)

    @property
    def active(self) -> tuple[int, ...]:
        """The ids of the prototypes that are not muted."""
        return tuple(p.id for p in self.prototypes if not p.muted)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.prototypes)

    @property
    def dim(self) -> int:
        return len(self.prototypes[0].vector) // 4

    def get(self, id: int, field: str = "id") -> Prototype:
        """The prototype of that id; raises ValueError that names the field and says which ids there are."""
        if is_whole(id, 0):  # True would find 1
            i = bisect_left(self.prototypes, id, key=lambda p: p.id)
            if i < len(self.prototypes) and self.prototypes[i].id == id:
                return self.prototypes[i]
        raise ValueError(f"{field}: expected an id of this set ({known_ids(self.ids)}), got {shown(id)}")

    def vectors(self, ids: Sequence[int] | None = None) -> torch.Tensor:
        """The vectors (n, D) as float32: all, or those of the ids in the order given."""
        chosen = self.prototypes if ids is None else [self.get(k, "ids") for k in ids]
        return tensor_of([p.vector for p in chosen], self.dim)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that makes pictures or is shown: equal for sets that are alike."""
        rows = [[p.id, p.name, p.usage, p.tags, p.scale, p.muted, p.stands_for] for p in self.prototypes]
        digest = hashlib.sha256(json.dumps([self.model_hash, self.spherical, self.dim, rows]).encode())
        digest.update(b"".join(p.vector for p in self.prototypes))
        return digest.hexdigest()[:16]

    def distances(self, z: torch.Tensor) -> torch.Tensor:
        """Euclidean distances (B, n) of features (B, D) to the prototypes; on the unit sphere for a spherical set."""
        # As a matrix product a map of 10,000 takes a fifth of the time, but 0 becomes sqrt(eps).
        mode = "use_mm_for_euclid_dist" if len(z) > 1000 else "donot_use_mm_for_euclid_dist"
        return torch.cdist(self._placed(z.detach().cpu()), self._placed(self.vectors()), compute_mode=mode)

    def moved(self, base: PrototypeSet) -> dict[int, float]:
        """How far each prototype that is in `base` too was moved from there."""
        there = {p.id: p for p in base.prototypes}
        kept = [p for p in self.prototypes if p.id in there]
        away = [p.id for p in kept if p.vector != there[p.id].vector]
        steps = self._placed(self.vectors(away)) - self._placed(base.vectors(away))
        return {**{p.id: 0.0 for p in kept}, **dict(zip(away, steps.norm(dim=-1).tolist(), strict=True))}

    def _placed(self, vectors: torch.Tensor) -> torch.Tensor:
        return unit(vectors.float()) if self.spherical else vectors.float()


def tensor_of(vectors: Sequence[bytes], dim: int) -> torch.Tensor:
    """Vectors as prototypes keep them, as float32 (n, D)."""
    joined = np.frombuffer(b"".join(vectors), "<f4")
    return torch.from_numpy(joined.astype(np.float32).reshape(len(vectors), dim))


def vector_bytes(vector: object, dim: int | None = None) -> bytes:
    """A torch or numpy vector (D,) as a prototype keeps it; raises ValueError for another width."""
    if isinstance(vector, torch.Tensor):
        vector = vector.detach().cpu().double().numpy()
    values = np.asarray(vector)
    if values.dtype.kind not in "fiu" or values.ndim != 1 or dim not in (None, len(values)):
        raise ValueError(
            f"vector: expected {dim or 'a row of'} numbers, got shape {tuple(values.shape)} of {values.dtype}"
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which no prototype can have
        return values.astype("<f4").tobytes()


def _check_vector(vector: object) -> None:
    if not (isinstance(vector, bytes) and len(vector) % 4 == 0 and 0 < len(vector) <= 4 * MAX_DIM):
        got = f"{len(vector)} bytes" if isinstance(vector, bytes) else type(vector).__name__
        raise ValueError(f"vector: expected 1 to {MAX_DIM} float32 numbers, got {got}")
    with np.errstate(over="ignore", invalid="ignore"):
        length = float(np.linalg.norm(np.frombuffer(vector, "<f4").astype(np.float64)))
    low, high = LENGTHS
    if not low <= length <= high:  # NaN is in no range
        raise ValueError(f"vector: expected finite numbers of a length from {low:g} to {high:g}, got length {length:g}")


def model_hash(bank: PrototypeBank) -> str:
    """16 hexadecimal digits of what features and prototypes are made with: the encoder's weights and the vectors."""
    digest = hashlib.sha256()
    tensors = {f"encoder.{name}": value for name, value in bank.encoder.state_dict().items()}
    for name, value in sorted({**tensors, "vectors": bank.vectors}.items()):
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]
