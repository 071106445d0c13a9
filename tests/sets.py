"""Small prototype sets, what edits refer to, and random edits of them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from pdm.editing.edits import EditContext
from pdm.editing.prototype_set import Prototype, PrototypeSet, vector_bytes

HASH = "0123456789abcdef"
MARKUP = "<b>bold & \"wild\"</b> 'x'"


def unit_rows(count: int, dim: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def tiny_set(count: int = 6, dim: int = 5, seed: int = 0, spherical: bool = True) -> PrototypeSet:
    vectors = unit_rows(count, dim, seed)
    usage = torch.rand(count, generator=torch.Generator().manual_seed(seed)) + 0.1
    usage = (usage / usage.sum()).tolist()
    rows = [Prototype(k, f"Bag {k + 1}", vector_bytes(vectors[k]), usage[k], stands_for=(k,)) for k in range(count)]
    return PrototypeSet("tiny", HASH, tuple(rows), count, spherical)


def tiny_context(base: PrototypeSet, images: int = 60, seed: int = 1) -> EditContext:
    """Features around the prototypes, so that each has images of its own, at places made of the first two numbers."""
    generator = torch.Generator().manual_seed(seed)
    near = base.vectors()[torch.arange(images) % len(base.ids)]
    features = torch.nn.functional.normalize(near + 0.1 * torch.randn(near.shape, generator=generator), dim=1)
    return EditContext(base, features[:, :2] * 10, features)


numbers = st.floats(-2, 2, width=32)
names = st.one_of(
    st.just(MARKUP), st.text(min_size=1, max_size=60).filter(lambda t: t.isprintable() and t.strip() == t)
)


@st.composite
def edits(draw, current: PrototypeSet, context: EditContext) -> tuple[str, dict]:
    """An operation and arguments that it understands; it may still be refused, as muting all is."""
    n, dim = len(context.features), current.dim
    id, other = st.sampled_from(current.ids), st.sampled_from(context.base.ids)
    ids = st.lists(id, min_size=1, max_size=4, unique=True)
    place = st.one_of(
        st.fixed_dictionaries({"point": st.lists(st.floats(-20, 20), min_size=2, max_size=2)}),
        st.fixed_dictionaries({"images": st.lists(st.integers(0, n - 1), min_size=1, max_size=5)}),
        st.fixed_dictionaries({"vector": st.lists(numbers, min_size=dim, max_size=dim)}),
    )
    fields = {
        "move": {"id": id},
        "blend": {"a": id, "b": id, "t": st.floats(0, 1)},
        "analogy": {"a": id, "b": id, "c": id, "name": names},
        "merge": {"ids": ids},
        "split": {"id": id, "n": st.integers(2, 4)},
        "add": {},
        "duplicate": {"id": id},
        "remove": {"ids": ids},
        "mute": {"ids": ids, "muted": st.booleans()},
        "solo": {"ids": ids},
        "rename": {"id": id, "name": names},
        "tag": {"id": id, "tags": st.lists(st.sampled_from(["dark", "new", MARKUP[:24]]), max_size=3)},
        "scale": {"id": id, "value": st.floats(0, 4)},
        "reset": {"ids": st.none() | st.lists(other, min_size=1, max_size=3, unique=True)},
    }
    operation = draw(st.sampled_from(sorted(fields)))
    arguments = draw(st.fixed_dictionaries(fields[operation]))
    return operation, {**arguments, **(draw(place) if operation in ("add", "move") else {})}


def brute_nearest(z: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Distances (B, n) between directions, one by one."""
    return np.array([[np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)) for b in vectors] for a in z])
