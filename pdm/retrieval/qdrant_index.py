"""Search by Qdrant: inside this process for small memories, on a server or a cluster for those that outgrow it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from urllib.parse import urlsplit

import numpy as np

from pdm.retrieval.index import Vectors, is_url

KEY = "QDRANT_API_KEY"  # of the environment: the key of a server
BLOCK = 1_000  # vectors sent at once
TIMEOUT = 60  # seconds for an answer
_filled: set[str] = set()  # folders that this process has filled


class QdrantIndex:
    """See `pdm.retrieval.index.Index`. `place`: a server's address (port 6333 where it names none), a
    folder, or None for RAM.

    The collection is named after the vectors. One that is there is used, one that an upload left half full is filled
    up. Inside this process the search is exact; its folder is slow to fill, and of this run alone: a folder with files
    from elsewhere is refused (`_check_folder`). Raises ValueError for such a folder, where the client is not installed,
    and where the place does not answer.
    """

    def __init__(self, place: str | None, vectors: Vectors):
        self.qdrant = _package()
        self.place = _shown(place)
        self.inside = place is None or not is_url(place)
        if self.inside and place is not None:
            _check_folder(place)
        self.collection = f"pdm-{vectors.digest()}"
        self.count, self.dim = len(vectors), vectors.dim
        with self._answers():
            self.client = _client(self.qdrant, place)
            self._fill(vectors)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        request = self.qdrant.models.QueryRequest
        ids, distances = [], []
        for start in range(0, len(queries), BLOCK):
            asked = [request(query=q.tolist(), limit=k) for q in queries[start : start + BLOCK]]
            with self._answers():
                answers = self.client.query_batch_points(self.collection, requests=asked)
            for answer in answers:
                if len(answer.points) != k:
                    raise ValueError(f"index {self.place}: expected {k} neighbours, got {len(answer.points)}")
                ids.append([point.id for point in answer.points])
                distances.append([point.score for point in answer.points])
        shape = (len(queries), k)
        return np.array(ids, np.int64).reshape(shape), np.array(distances, np.float32).reshape(shape)

    @property
    def ram_bytes(self) -> int:
        """Inside this process the vectors; on a server nothing of this process's."""
        return self.count * self.dim * 4 if self.inside else 0

    def close(self) -> None:
        """Let go of the folder, which one client at a time can hold."""
        self.client.close()

    def _fill(self, vectors: Vectors) -> None:
        models = self.qdrant.models
        if not self.client.collection_exists(self.collection):
            size = models.VectorParams(size=self.dim, distance=models.Distance.EUCLID)
            self.client.create_collection(self.collection, vectors_config=size)
        there = self.client.count(self.collection, exact=True).count
        first = there // BLOCK * BLOCK if there < self.count else self.count  # blocks arrive in order
        for start in range(first, self.count, BLOCK):
            rows = vectors.rows(start, min(start + BLOCK, self.count))
            points = models.Batch(ids=list(range(start, start + len(rows))), vectors=rows.tolist())
            self.client.upsert(self.collection, points, wait=True)

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """Errors of the client in one line, which holds neither key nor user."""
        errors = self.qdrant.http.exceptions
        try:
            yield
        except errors.UnexpectedResponse as error:
            raise ValueError(
                f"index {self.place}: expected an answer of Qdrant, got status {error.status_code}"
            ) from None
        except errors.ResponseHandlingException as error:
            reason = type(getattr(error, "source", error)).__name__
            raise ValueError(f"index {self.place}: expected a Qdrant server that answers, got {reason}") from None
        except RuntimeError as error:  # the client's own for a folder that another process holds
            if "already accessed" not in str(error):
                raise
            raise ValueError(f"index {self.place}: expected a folder of no other process, got one in use") from None


def _client(qdrant: ModuleType, place: str | None):
    if place is None:
        return qdrant.QdrantClient(":memory:")
    if not is_url(place):
        return qdrant.QdrantClient(path=place)
    key = os.environ.get(KEY) or None
    return qdrant.QdrantClient(url=place, api_key=key, timeout=TIMEOUT, check_compatibility=False)


def _check_folder(place: str) -> None:
    """Raise ValueError for a folder with files that this process did not put there.

    Qdrant's client unpickles what it finds in a folder as soon as it opens it (`CollectionPersistence.load` of
    qdrant-client), so whoever wrote into it could run anything here.
    """
    folder = os.path.realpath(place)
    try:
        found = os.listdir(folder)
    except FileNotFoundError:
        found = []
    except OSError as error:
        raise ValueError(f"index {_shown(place)}: expected a folder, got: {error.strerror}") from error
    if found and folder not in _filled:
        raise ValueError(
            f"index {_shown(place)}: expected a new or empty folder, as files of Qdrant's can hold code, got one with "
            "files; what lasts are hnsw, ivf and a Qdrant server"
        )
    _filled.add(folder)


def _shown(place: str | None) -> str:
    """A place in a message: of an address only the host and the port."""
    if place is None:
        return "qdrant"
    if not is_url(place):
        return f"qdrant:{place}"
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _package() -> ModuleType:
    try:
        import qdrant_client
    except ImportError as error:
        raise ValueError(
            "index: expected the package qdrant-client for this one, which is not installed; pip install qdrant-client"
        ) from error
    return qdrant_client
