"""RDM's memory: search against brute force, and who may be whose neighbour."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdm.model.features import unit
from pdm.retrieval.memory import Memory
from tests.tiny import seeds


def make_memory(entries: int = 30, dim: int = 6, seed: int = 0) -> Memory:
    generator = torch.Generator().manual_seed(seed)
    return Memory.build(3 * torch.randn(entries, dim, generator=generator), torch.arange(entries))


@given(st.integers(2, 40), st.data())
def test_search_is_brute_force(entries, data):
    k, seed = data.draw(st.integers(1, entries)), data.draw(st.integers(0, 1000))
    memory = make_memory(entries, seed=seed)
    queries = 5 * torch.randn(4, 6, generator=torch.Generator().manual_seed(seed + 1))
    ids, distances = memory.search(queries, k)
    table = (unit(queries)[:, None] - memory.embeddings[None]).norm(dim=2)
    expected = table.sort(1)
    torch.testing.assert_close(distances, expected.values[:, :k], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(table.gather(1, ids), distances, atol=1e-3, rtol=1e-3)
    assert all(len(set(row.tolist())) == k for row in ids)


def test_embeddings_are_normalised_when_the_memory_is_built():
    torch.testing.assert_close(make_memory().embeddings.norm(dim=1), torch.ones(30))


def test_an_images_own_entry_is_never_among_its_neighbours_and_the_others_are_the_nearest():
    memory = make_memory()
    neighbours = memory.neighbours_of(memory.embeddings, torch.arange(30), 4)
    table = torch.cdist(memory.embeddings, memory.embeddings).fill_diagonal_(float("inf"))
    assert torch.equal(neighbours, table.argsort(1)[:, :4])


def test_an_image_outside_the_memory_simply_has_its_nearest_entries():
    memory = make_memory()
    queries = torch.randn(3, 6, generator=torch.Generator().manual_seed(9))
    neighbours = memory.neighbours_of(queries, torch.tensor([100, 101, 102]), 4)
    assert torch.equal(neighbours, memory.search(queries, 4)[0])


def test_even_among_identical_images_only_the_own_entry_is_left_out():
    memory = Memory.build(torch.ones(6, 3), torch.tensor([10, 11, 12, 13, 14, 15]))
    neighbours = memory.neighbours_of(torch.ones(6, 3), torch.arange(10, 16), 3)
    assert (memory.source_ids[neighbours] != torch.arange(10, 16)[:, None]).all()


def test_popularity_counts_how_often_an_entry_is_a_neighbour():
    memory = make_memory(5)
    table = torch.tensor([[0, 1], [1, 4], [1, 0]])
    memory.count_popularity(table)
    assert memory.popularity.tolist() == [table.flatten().tolist().count(i) for i in range(5)]


def test_pseudo_queries_come_only_from_the_most_popular_share_and_from_all_of_it():
    memory = make_memory()
    memory.popularity.copy_(torch.randperm(30, generator=torch.Generator().manual_seed(0)))
    top = set(memory.popularity.argsort(descending=True)[:6].tolist())
    drawn = memory.pseudo_queries(seeds(*range(200)), top_m=0.2)
    assert set(drawn.tolist()) == top
    assert set(memory.pseudo_queries(seeds(*range(20)), top_m=0.001).tolist()) == {memory.popularity.argmax().item()}


def test_each_pseudo_query_depends_on_its_own_generator_alone():
    memory = make_memory()
    assert memory.pseudo_queries(seeds(4, 5, 6), 1.0)[1] == memory.pseudo_queries(seeds(5), 1.0)[0]


@pytest.mark.parametrize("k", [0, 31])
def test_a_count_of_neighbours_the_memory_cannot_give_is_refused(k):
    with pytest.raises(ValueError, match=f"neighbours: expected between 1 and 30, got {k}"):
        make_memory().search(torch.ones(1, 6), k)


@pytest.mark.parametrize("top_m", [0, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(top_m):
    with pytest.raises(ValueError, match="top_m: expected a share in"):
        make_memory().pseudo_queries(seeds(0), top_m)


def test_a_memory_of_nothing_or_of_nan_is_refused():
    for embeddings in (torch.ones(1, 4), torch.full((3, 4), float("nan"))):
        with pytest.raises(ValueError, match="memory: expected at least 2 finite embeddings"):
            Memory.build(embeddings, torch.arange(len(embeddings)))


def test_bytes_count_every_tensor_and_in_ram_the_index_too():
    memory = make_memory(30, 6)
    kept = 30 * 6 * 4 + 30 * 4 + 30 * 4
    assert memory.bytes_on_disk() == kept
    assert memory.bytes_in_ram() == kept + 30 * 6 * 4


def test_a_memory_reads_back_from_disk_and_searches_the_same(tmp_path):
    memory = make_memory()
    memory.count_popularity(torch.tensor([[1, 2]]))
    memory.save_pretrained(tmp_path)
    again = Memory.from_pretrained(tmp_path)
    for name, tensor in memory.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    queries = torch.randn(3, 6)
    assert torch.equal(again.search(queries, 5)[0], memory.search(queries, 5)[0])
