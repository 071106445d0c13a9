"""A stand-in for the Hugging Face hub: what huggingface_hub asks of it to upload and to fetch, kept in memory.

Paths, fields and answers are those of huggingface_hub's own client (hf_api.py, _commit_api.py, lfs.py). Weights and
pictures go by LFS, the rest inside the commit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

TOKEN, USER = "hf_standInToken", "me"
LFS = (".safetensors", ".webp", ".png")
LARGEST_REGULAR = 10_000_000
LICENCES = {"mit", "apache-2.0", "cc-by-4.0", "other"}  # some that the real one knows


@dataclass
class Stored:
    """A repository: its files by commit are not kept, only the last ones."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.safetensors filter=lfs"})
    commits: int = 0
    sdk: str | None = None

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.commits}{sorted(self.files)}".encode()).hexdigest()


@dataclass
class StandIn:
    """`refuse`: parts of a path, each with the (status, message) that is answered instead."""

    url: str = ""
    repos: dict[tuple[str, str], Stored] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def uses_lfs(path: str, size: int) -> bool:
    return size > LARGEST_REGULAR or path.endswith(LFS)


class Handler(BaseHTTPRequestHandler):
    hub: StandIn  # set by `stand_in`
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def answer(self, status: int, value: object = None, body: bytes | None = None, **headers: str) -> None:
        content = json.dumps(value).encode() if body is None else body
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def fail(self, status: int, message: str, code: str = "") -> None:
        self.answer(status, {"error": message}, X_Error_Message=message, **({"X_Error_Code": code} if code else {}))

    def handle_one(self) -> None:
        body = self.body()
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        refused = next((answer for part, answer in self.hub.refuse.items() if part in path), None)
        if refused is not None:
            return self.fail(*refused)
        if not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail(401, "Invalid username or password.")
        for pattern, handle in ROUTES:
            if found := re.fullmatch(pattern, f"{self.command} {path}"):
                return handle(self, body, *found.groups())
        return self.fail(404, f"no such path: {path}")

    do_GET = do_HEAD = do_POST = do_PUT = handle_one

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def stored(self, kind: str, name: str) -> Stored | None:
        """The repository, or None once the client has been told that there is none."""
        found = self.hub.repos.get((kind, name))
        if found is None:
            self.fail(404, "Repository not found", "RepoNotFound")
        return found

    def whoami(self, body: bytes) -> None:
        self.answer(200, {"type": "user", "name": USER, "orgs": [], "auth": {"type": "access_token"}})

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        kind = asked.get("type", "model")
        if asked["organization"] != USER:
            return self.fail(403, f"You don't have the rights to create a {kind} under the namespace {name}")
        if (kind, name) in self.hub.repos:
            return self.fail(409, "You already created this repo")
        assert kind != "space" or asked["sdk"] == "gradio"
        private = asked.get("visibility") == "private" or asked.get("private") is True
        self.hub.repos[kind, name] = Stored(private=private, sdk=asked.get("sdk"))
        return self.answer(200, {"url": f"{self.hub.url}/{'spaces/' if kind == 'space' else ''}{name}"})

    def info(self, body: bytes, kind: str, name: str) -> None:
        if repo := self.stored(kind, name):
            siblings = [{"rfilename": path} for path in sorted(repo.files)]
            self.answer(200, {"id": name, "private": repo.private, "sha": repo.sha, "siblings": siblings, "tags": []})

    def tree(self, body: bytes, kind: str, name: str) -> None:
        if repo := self.stored(kind, name):
            files = [
                {"type": "file", "path": path, "size": len(content), "oid": git_hash(content)}
                for path, content in sorted(repo.files.items())
            ]
            self.answer(200, files)

    def yaml(self, body: bytes) -> None:
        text = json.loads(body)["content"]
        errors = card_errors(text)
        self.answer(400 if errors else 200, {"errors": [{"message": error} for error in errors], "warnings": []})

    def preupload(self, body: bytes, kind: str, name: str) -> None:
        if repo := self.stored(kind, name):
            files = []
            for file in json.loads(body)["files"]:
                mode = "lfs" if uses_lfs(file["path"], file["size"]) else "regular"
                known = repo.files.get(file["path"])
                oid = None
                if known is not None:
                    oid = hashlib.sha256(known).hexdigest() if mode == "lfs" else git_hash(known)
                files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
            self.answer(200, {"files": files})

    def batch(self, body: bytes, prefix: str, name: str) -> None:
        asked = json.loads(body)
        assert asked["operation"] == "upload" and asked["hash_algo"] == "sha256" and "basic" in asked["transfers"]
        objects = []
        for entry in asked["objects"]:
            there = entry["oid"] in self.hub.blobs
            upload = {"upload": {"href": f"{self.hub.url}/lfs/{entry['oid']}", "header": {}}}
            objects.append(entry if there else entry | {"actions": upload})
        self.answer(200, {"transfer": "basic", "objects": objects})

    def put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self.fail(400, "another content than announced")
        self.hub.blobs[oid] = body
        return self.answer(200, body=b"")

    def commit(self, body: bytes, kind: str, name: str) -> None:
        repo = self.stored(kind, name)
        if repo is None:
            return None
        lines = [json.loads(line) for line in body.splitlines()]
        assert lines[0]["key"] == "header" and lines[0]["value"]["summary"]
        files = dict(repo.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                assert value["algo"] == "sha256"
                files[value["path"]] = self.hub.blobs[value["oid"]]
            else:
                assert line["key"] == "deletedFile"
                del files[value["path"]]
        repo.files, repo.commits = files, repo.commits + 1
        return self.answer(
            200, {"success": True, "commitOid": repo.sha, "commitUrl": f"{self.hub.url}/{name}/commit/1"}
        )

    def resolve(self, body: bytes, name: str, sha: str, path: str) -> None:
        repo = self.stored("model", name)
        if repo is None:
            return None
        if path not in repo.files:
            return self.fail(404, "Entry not found", "EntryNotFound")
        content = repo.files[path]
        return self.answer(200, body=content, ETag=f'"{git_hash(content)}"', X_Repo_Commit=repo.sha)


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES = (
    (r"GET /api/whoami-v2", Handler.whoami),
    (r"POST /api/repos/create", Handler.create),
    (r"POST /api/validate-yaml", Handler.yaml),
    (rf"GET /api/(model|space)s/{NAME}(?:/revision/main)?", Handler.info),
    (rf"GET /api/(model|space)s/{NAME}/tree/[0-9a-f]+", Handler.tree),
    (rf"POST /api/(model|space)s/{NAME}/preupload/main", Handler.preupload),
    (rf"POST /(spaces/)?{NAME}\.git/info/lfs/objects/batch", Handler.batch),
    (r"PUT /lfs/([0-9a-f]{64})", Handler.put),
    (rf"POST /api/(model|space)s/{NAME}/commit/main", Handler.commit),
    (rf"(?:GET|HEAD) /{NAME}/resolve/([0-9a-f]+|main)/(.+)", Handler.resolve),
)


def card_errors(text: str) -> list[str]:
    """What the hub has against a README's front matter."""
    parts = text.split("---\n")
    if not text.startswith("---\n") or len(parts) < 3:
        return ["no metadata"]
    head = yaml.safe_load(parts[1])
    errors = [f'"{name}" must be a string' for name in ("license", "title") if not isinstance(head.get(name, ""), str)]
    if head.get("license", "other") not in LICENCES:
        errors.append('"license" must be one of [apache-2.0, mit, ...]')
    if head.get("license") == "other" and not head.get("license_name"):
        errors.append('"license_name" is required')
    return errors


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A hub of its own on a free port."""
    hub = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
