"""Every index finds what a brute force finds, exactly or to a recall; whatever is wrong with one is a line."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.model.features import unit
from pdm.retrieval.faiss_index import expected_bytes, faiss_index
from pdm.retrieval.index import check_index, make_index
from pdm.retrieval.memory import Memory


def clustered(entries: int, dim: int = 12, seed: int = 0) -> torch.Tensor:
    """Vectors in 20 clusters, as embeddings of images are."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(20, dim, generator=generator)
    of = torch.randint(20, (entries,), generator=generator)
    return centres[of] + 0.4 * torch.randn(entries, dim, generator=generator)


def memory_of(vectors: torch.Tensor) -> Memory:
    return Memory.build(vectors, torch.arange(len(vectors)))


def brute_force(memory: Memory, queries: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    distances = torch.cdist(unit(queries).double(), memory.embeddings.double())
    found = distances.topk(k, largest=False)
    return found.indices, found.values.float()


@given(st.integers(2, 60), st.integers(0, 1000), st.sampled_from(["hnsw", "ivf", "qdrant"]), st.data())
def test_in_a_small_memory_every_index_is_a_brute_force(entries, seed, name, data):
    memory = memory_of(clustered(entries, 6, seed))
    k = data.draw(st.integers(1, entries))
    queries = clustered(3, 6, seed + 1)
    ids, distances = memory.use_index(name).search(queries, k)
    _, expected = brute_force(memory, queries, k)
    torch.testing.assert_close(distances, expected, atol=2e-3, rtol=1e-3)
    assert ids.dtype == torch.int64 and all(len(set(row)) == k for row in ids.tolist())


@pytest.mark.parametrize("name, recall", [("exact", 1.0), ("qdrant", 1.0), ("hnsw", 0.98), ("ivf", 0.95)])
def test_in_a_larger_one_it_finds_nearly_all_neighbours_at_their_true_distances(name, recall):
    memory, queries = memory_of(clustered(4000)), clustered(100, seed=1)
    expected, _ = brute_force(memory, queries, 4)
    ids, distances = memory.use_index(name).search(queries, 4)
    found = (ids[:, :, None] == expected[:, None]).any(1).float().mean()
    assert found >= recall
    true = (unit(queries)[:, None] - memory.embeddings[ids]).norm(dim=2)
    torch.testing.assert_close(distances, true, atol=2e-3, rtol=1e-3)
    assert (distances.diff(dim=1) >= 0).all()


@pytest.mark.parametrize("name", ["hnsw", "ivf"])
def test_among_copies_and_for_all_entries_an_approximate_index_still_finds_as_many_as_asked_for(name):
    memory = memory_of(torch.ones(500, 4)).use_index(name)
    ids, distances = memory.search(torch.ones(2, 4), 300)
    assert all(len(set(row)) == 300 and min(row) >= 0 for row in ids.tolist())
    assert distances.max() < 1e-3


@pytest.mark.parametrize("name", ["exact", "hnsw", "ivf"])
def test_the_bytes_that_are_counted_for_sizes_on_paper_are_those_of_an_index(name):
    index = faiss_index(name, memory_of(clustered(3000)))
    assert index.ram_bytes == pytest.approx(expected_bytes(name, 3000, 12), rel=0.02)
    assert index.ram_bytes >= 3000 * 12 * 4


@pytest.mark.parametrize("name", ["hnsw", "ivf"])
def test_an_index_is_kept_and_read_again_for_the_same_vectors_alone(tmp_path, monkeypatch, name):
    memory, other = memory_of(clustered(300)), memory_of(clustered(300, seed=1))
    queries = np.ascontiguousarray(unit(clustered(5, seed=2)).numpy())
    ids, _ = make_index(name, memory, tmp_path).search(queries, 4)
    (path,) = tmp_path.iterdir()
    make_index(name, other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr("pdm.retrieval.faiss_index._empty", None)  # building would fail
    assert (make_index(name, memory, tmp_path).search(queries, 4)[0] == ids).all()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="expected a whole index, got a damaged one; delete it") as error:
        make_index(name, memory, tmp_path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_an_exact_index_is_quickly_made_and_never_kept(tmp_path):
    make_index("exact", memory_of(clustered(300)), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "flat", "qdrant:", "ftp://host", "HNSW", "hnsw:folder"])
def test_a_name_that_chooses_nothing_is_refused(name):
    with pytest.raises(ValueError, match=r"^index: expected exact, hnsw, ivf, qdrant, qdrant:FOLDER or .* got '"):
        check_index(name)
    with pytest.raises(ValueError, match="^index: expected"):
        memory_of(clustered(5)).use_index(name)


def test_without_the_client_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    with pytest.raises(ValueError, match="not installed; pip install qdrant-client$"):
        memory_of(clustered(5)).use_index("qdrant").search(torch.ones(1, 12), 2)
