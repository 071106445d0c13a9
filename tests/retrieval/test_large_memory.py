"""A memory in files: the same as one in RAM, whatever stopped its building, and never taken for a complete one."""

import json

import numpy as np
import pytest
import torch

from pdm.model.features import unit
from pdm.retrieval import build as memory_build
from pdm.retrieval import large_memory
from pdm.retrieval.build import build, check_settings
from pdm.retrieval.large_memory import LargeMemory, mapped
from pdm.retrieval.memory import Memory
from tests.retrieval.test_index import clustered
from tests.tiny import seeds

ENTRIES = 70
VECTORS = clustered(ENTRIES)


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    """Files of 16 rows, so that 70 entries make five."""
    for module in (large_memory, memory_build):
        monkeypatch.setattr(module, "ROWS", 16)


def silent(what, step, of, loss):
    pass


class Stream:
    """Embeddings, nine rows at a time; it notes from where it was asked, and stops as by a kill after some rows."""

    def __init__(self, stops_after: float = float("inf")):
        self.asked: list[int] = []
        self.stops_after = stops_after

    def __call__(self, start: int):
        self.asked.append(start)
        for first in range(start, ENTRIES, 9):
            if first - start >= self.stops_after:
                raise KeyboardInterrupt
            yield VECTORS[first : first + 9]


def built(folder, stream=None, limit=1000, index="exact", report=silent) -> LargeMemory:
    check_settings(folder, {"data": "vectors", "entries": limit})
    build(folder, {"encoder": "none"}, stream or Stream(), limit=limit, neighbours=3, index=index, report=report)
    return LargeMemory(folder)


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_is_the_memory_in_ram_up_to_half_precision(tmp_path):
    large, small = built(tmp_path / "m"), Memory.build(VECTORS, torch.arange(ENTRIES))
    assert (len(large), large.dim) == (70, 12) and [len(f) for f in large.files] == [16, 16, 16, 16, 6]
    assert all(f.dtype == np.float16 and isinstance(f, np.memmap) for f in large.files)
    torch.testing.assert_close(torch.from_numpy(large.rows(10, 50)), unit(VECTORS)[10:50], atol=1e-3, rtol=0)
    ids = torch.tensor([[3, 69], [16, 15]])
    torch.testing.assert_close(large.vectors(ids), small.vectors(ids), atol=1e-3, rtol=0)
    queries = clustered(5, seed=1)
    torch.testing.assert_close(large.search(queries, 4)[1], small.search(queries, 4)[1], atol=5e-3, rtol=0)


def test_popularity_counts_the_neighbours_of_every_entry_and_leaves_out_the_entry_itself(tmp_path):
    large = built(tmp_path / "m")
    z = torch.from_numpy(large.rows(0, 70)).double()
    nearest = torch.cdist(z, z).fill_diagonal_(float("inf")).argsort(1)[:, :3]
    table = np.concatenate(mapped(tmp_path / "m", "neighbours"))
    assert table.dtype == np.int32 and (np.sort(table) == np.sort(nearest.numpy())).mean() > 0.99
    assert large.popularity.tolist() == np.bincount(table.ravel(), minlength=70).tolist()
    most = set(large.popularity.argsort(descending=True, stable=True)[:7].tolist())
    assert set(large.pseudo_queries(seeds(*range(99)), 0.1).tolist()) == most


@pytest.mark.parametrize("rows", [5, 20, 60])
def test_a_build_that_was_killed_goes_on_after_its_last_whole_file_and_ends_the_same(tmp_path, rows):
    built(tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "killed", Stream(rows))
    with pytest.raises(ValueError, match="expected one of version 1 that `python -m pdm memory --stream` finished"):
        LargeMemory(tmp_path / "killed")
    whole = len(mapped(tmp_path / "killed", "embeddings"))
    stream = Stream()
    built(tmp_path / "killed", stream)
    assert stream.asked == [16 * whole]
    assert files(tmp_path / "killed") == files(tmp_path / "unbroken")


def test_killed_among_the_neighbours_it_reads_no_image_again(tmp_path):
    def stops(what, step, of, loss):
        if (what, step) == ("neighbours", 32):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "m", report=stops)
    assert len(mapped(tmp_path / "m", "neighbours")) == 2
    stream, told = Stream(), []
    built(tmp_path / "m", stream, report=lambda what, step, of, loss: told.append((what, step)))
    assert stream.asked == [] and told == [("neighbours", 48), ("neighbours", 64), ("neighbours", 70)]


def test_a_limit_ends_the_stream_early_within_a_file_and_at_its_end(tmp_path):
    for limit in (20, 32):
        memory, stream = built(tmp_path / str(limit), limit=limit), Stream()
        assert len(memory) == limit
        built(tmp_path / str(limit), stream, limit=limit)
        assert stream.asked == []


def test_its_approximate_index_is_kept_beside_it(tmp_path):
    memory = built(tmp_path / "m", index="hnsw")
    assert [p.name for p in (tmp_path / "m").glob("*.faiss")] == [f"hnsw-{memory.digest()}.faiss"]


def test_other_settings_and_folders_of_something_else_are_refused_and_kept(tmp_path):
    built(tmp_path / "m")
    before = files(tmp_path / "m")
    with pytest.raises(ValueError, match=r"expected a memory of these settings, got one of others \(entries\); choose"):
        check_settings(tmp_path / "m", {"data": "vectors", "entries": 7})
    assert files(tmp_path / "m") == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.png").write_text("mine")
    with pytest.raises(ValueError, match="expected a new or empty folder, or a memory begun in it"):
        check_settings(tmp_path / "other", {})


def test_a_damaged_or_missing_file_is_named_in_a_line(tmp_path):
    built(tmp_path / "m")
    path = tmp_path / "m" / "embeddings-00001.npy"
    path.write_bytes(path.read_bytes()[:140])
    with pytest.raises(ValueError, match="embeddings-00001.npy: expected whole rows, got: .*; delete it"):
        LargeMemory(tmp_path / "m")
    path.unlink()
    with pytest.raises(ValueError, match="expected 70 embeddings, got 16; make it again"):
        LargeMemory(tmp_path / "m")
    (tmp_path / "m" / "memory.json").write_text(json.dumps({"version": 9}))
    with pytest.raises(ValueError, match="got: version 9"):
        LargeMemory(tmp_path / "m")
    (tmp_path / "m" / "memory.json").write_text(json.dumps({"version": 1, "dim": 12}))
    with pytest.raises(ValueError, match="got: a card without digest, encoder, entries"):
        LargeMemory(tmp_path / "m")


@pytest.mark.parametrize("vectors, said", [(VECTORS[:1], "at least 2 images, got 1"), (VECTORS * torch.nan, "finite")])
def test_too_few_or_broken_embeddings_are_refused(tmp_path, vectors, said):
    with pytest.raises(ValueError, match=f"^memory: expected {said}"):
        built(tmp_path / "m", lambda start: iter([vectors]))


def test_a_full_disk_while_rows_are_written_is_said_as_such(tmp_path, monkeypatch):
    save = np.save

    def full(path, rows, **options) -> None:
        with open("/dev/full", "wb", buffering=0) as disk:
            save(disk, rows, **options)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left") as caught:
        large_memory.write_rows(tmp_path, "embeddings", 0, np.zeros((4000, 16), np.float16))
    assert caught.value.errno == 28 and not list(tmp_path.iterdir())

    def counted(path, rows, **options) -> None:
        raise OSError("64000 requested and 47040 written")  # as NumPy says it

    monkeypatch.setattr(np, "save", counted)
    with pytest.raises(OSError, match="No space left"):
        large_memory.write_rows(tmp_path, "embeddings", 0, np.zeros((4000, 16), np.float16))
