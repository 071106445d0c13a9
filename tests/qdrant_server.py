"""A stand-in for a Qdrant server: the five requests of REST that a memory makes, answered by a brute force."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np


class Server(ThreadingHTTPServer):
    """`collections`: name -> id -> vector; `keys`: the API keys that requests brought; `fails_after`: upserts."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.collections: dict[str, dict[int, list[float]]] = {}
        self.keys: set[str | None] = set()
        self.wanted_key: str | None = None
        self.upserts, self.fails_after = 0, float("inf")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: dict) -> object:
        name, *rest = path.removeprefix("/collections/").split("/")
        if rest == ["exists"]:
            return {"exists": name in self.collections}
        if not rest:
            assert body["vectors"]["distance"] == "Euclid"
            self.collections[name] = {}
            return True
        points = self.collections[name]
        if rest == ["points"]:
            self.upserts += 1
            if self.upserts > self.fails_after:
                raise OSError("the disk is full")
            points.update(zip(body["batch"]["ids"], body["batch"]["vectors"], strict=True))
            return {"operation_id": self.upserts, "status": "completed"}
        if rest == ["points", "count"]:
            return {"count": len(points)}
        assert rest == ["points", "query", "batch"]
        return [{"points": nearest(points, asked["query"]["nearest"], asked["limit"])} for asked in body["searches"]]


def nearest(points: dict[int, list[float]], query: list[float], k: int) -> list[dict]:
    ids, vectors = list(points), np.array(list(points.values()))
    distances = np.linalg.norm(vectors - np.array(query), axis=1)
    return [{"id": ids[i], "version": 0, "score": float(distances[i])} for i in np.argsort(distances)[:k]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        key = self.headers.get("api-key")
        self.server.keys.add(key)
        status, result = 200, None
        try:
            if self.server.wanted_key not in (None, key):
                status = 401
            else:
                result = self.server.answer(self.path.partition("?")[0], body)
        except OSError:
            status = 500
        text = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_POST = do_GET

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
