"""Qdrant as a memory's index: in a folder, and on a server that speaks its protocol."""

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import torch

from pdm.retrieval import qdrant_index
from pdm.retrieval.qdrant_index import BLOCK, KEY, QdrantIndex
from tests.qdrant_server import running
from tests.retrieval.test_index import clustered, memory_of


@pytest.fixture
def server():
    with running() as server:
        yield server


def same(index: QdrantIndex, memory, queries: torch.Tensor) -> bool:
    """Whether an index answers as the exact one does."""
    ids, distances = memory.use_index("exact").search(queries, 4)
    found, far = index.search(torch.nn.functional.normalize(queries).numpy(), 4)
    return (found == ids.numpy()).all() and abs(far - distances.numpy()).max() < 1e-3


def test_a_folder_keeps_the_vectors_and_fills_up_what_is_missing(tmp_path):
    memory, queries = memory_of(clustered(12)), clustered(3, seed=1)
    first = QdrantIndex(str(tmp_path), memory)
    assert same(first, memory, queries)
    first.client.delete(first.collection, [10, 11])
    first.close()
    again = QdrantIndex(str(tmp_path), memory)
    assert same(again, memory, queries) and len(again.client.get_collections().collections) == 1
    with pytest.raises(ValueError, match="expected a folder of no other process, got one in use"):
        QdrantIndex(str(tmp_path), memory)
    again.close()


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_folder_of_another_run_is_not_opened_because_it_may_hold_code(tmp_path, monkeypatch):
    memory, folder, caught = memory_of(clustered(9)), tmp_path / "index", tmp_path / "caught"
    QdrantIndex(str(folder), memory).close()
    (stored,) = folder.rglob("storage.sqlite")
    with closing(sqlite3.connect(stored)) as file, file:
        file.execute("UPDATE points SET point = ?", [pickle.dumps(Trap(caught))])
    monkeypatch.setattr(qdrant_index, "_filled", set())  # as in another run
    line = f"^index qdrant:{folder}: expected a new or empty folder, .* got one with files"
    with pytest.raises(ValueError, match=line):
        memory.use_index(f"qdrant:{folder}").search(torch.ones(1, 12), 2)
    assert not caught.exists()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"expected a folder, got: Not a directory$"):
        QdrantIndex(str(tmp_path / "file"), memory)


def test_a_server_gets_every_vector_once_and_answers_as_the_exact_index(server):
    memory, queries = memory_of(clustered(BLOCK + 50)), clustered(5, seed=1)
    assert same(QdrantIndex(server.url, memory), memory, queries)
    assert server.upserts == 2 and [len(c) for c in server.collections.values()] == [BLOCK + 50]
    assert same(QdrantIndex(server.url, memory), memory, queries) and server.upserts == 2
    QdrantIndex(server.url, memory_of(clustered(9)))
    assert len(server.collections) == 2  # other vectors, another collection


def test_an_upload_that_was_cut_off_goes_on_where_it_was(server):
    memory = memory_of(clustered(2 * BLOCK + 50))
    server.fails_after = 1
    with pytest.raises(ValueError, match="expected an answer of Qdrant, got status 500"):
        QdrantIndex(server.url, memory)
    server.fails_after = float("inf")
    assert same(QdrantIndex(server.url, memory), memory, clustered(5, seed=1))
    assert server.upserts == 1 + 1 + 2


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_the_key_comes_from_the_environment_and_is_in_no_message(server, monkeypatch, capfd):
    server.wanted_key = "secret-of-a-server"
    memory = memory_of(clustered(9))
    monkeypatch.setenv(KEY, "secret-of-a-visitor")
    with pytest.raises(ValueError, match=f"^index {server.url}: expected an answer of Qdrant, got status 401$"):
        memory.use_index(server.url).search(torch.ones(1, 12), 2)
    monkeypatch.setenv(KEY, "secret-of-a-server")
    memory.use_index(server.url).search(torch.ones(1, 12), 2)
    assert server.keys == {"secret-of-a-visitor", "secret-of-a-server"}
    assert "secret" not in "".join(capfd.readouterr())


def test_a_server_that_is_not_there_is_one_line_without_the_user_of_its_address(server):
    url = server.url.replace("//", "//user:word@").replace(str(server.server_port), "1")
    with pytest.raises(ValueError, match="^index http://127.0.0.1:1: expected a Qdrant server that answers, got"):
        memory_of(clustered(9)).use_index(url).search(torch.ones(1, 12), 2)
