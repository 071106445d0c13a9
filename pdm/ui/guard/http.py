"""What every HTTP request goes through first, and what every answer carries: hosts, origins, sizes, headers."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm.app.budget import Budget
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.bodies import MAX_BODY, check_body
from pdm.ui.guard.hosts import Hosts
from pdm.ui.guard.quick import Door
from pdm.ui.guard.streams import Upload, watched
from pdm.ui.guard.visitors import address_of

API = "/gradio_api"
LOGIN = "/login"  # a form; all else that is no upload is JSON
# Gradio's page needs inline scripts and styles, and compiles the scripts of its HTML components.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
# Gradio's own that this app has no use for: fetching for others, writing files, editing the app.
CLOSED = re.compile(
    r"/(proxy=|file=https?:|file/https?:|deep_link|process_recording|vibe-|undo-vibe-|component_server|stream/)"
)
LISTENING = re.compile(r"/queue/data$|/call/(?:v2/)?[^/]+/([^/]+)$")
UPLOADS, UPLOADED = 60, 120_000_000  # files and bytes of one address a minute
log = logging.getLogger("pdm.ui")


class RequestGuard:
    """Pure ASGI middleware round the app that serves `page`."""

    def __init__(
        self,
        app: ASGIApp,
        page: GuardedBlocks,
        hosts: Hosts,
        proxies: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.app, self.page, self.hosts, self.proxies, self.clock = app, page, hosts, proxies, clock
        self.files, self.bytes, self.door = Budget(UPLOADS), Budget(UPLOADED), Door(page, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send)
        try:
            problem = self._problem(scope)
            if problem is not None:
                await answer.refuse(*problem)
            elif scope["method"] in ("GET", "HEAD", "OPTIONS"):
                await self._read(scope, receive, answer)
            else:
                await self._write(scope, receive, answer)
        except Exception as error:  # whatever Gradio does not foresee: one line there, and one here
            log.debug("the whole of it", exc_info=error)
            log.warning("%s %s: %s", scope["method"], scope["path"][:80], type(error).__name__)
            if not answer.started:
                await answer.refuse(HTTPStatus.BAD_REQUEST, "request: expected one that the page sends, got another")

    def _problem(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        hosts = [*headers.getlist("host"), *headers.getlist("x-forwarded-host")]
        if not hosts or not all(self.hosts.serves(h) for host in hosts for h in host.split(",")):
            return HTTPStatus.MISDIRECTED_REQUEST, "host: expected a name that this app is served under, got another"
        origin = headers.get("origin")
        if origin is not None and not self.hosts.serves_origin(origin):
            return HTTPStatus.FORBIDDEN, "origin: expected a page of this app, got another"
        if CLOSED.match(get_route_path(scope).removeprefix(API)):  # behind a path prefix too
            return HTTPStatus.NOT_FOUND, "path: expected one of this app, got another"
        return None

    async def _read(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        stream = LISTENING.search(scope["path"])
        if stream is None:
            await self.app(scope, receive, answer.send)
            return
        await watched(self.app, scope, receive, answer.send, self.page.listeners, self._session(scope, stream[1]))

    def _session(self, scope: Scope, event: str | None) -> str:
        """Whose answers a stream carries."""
        if event is None:
            query = scope["query_string"].decode("latin-1")
            found = re.search(r"(?:^|&)session_hash=([^&]*)", query)
            return found[1] if found else ""
        known = self.page._queue.event_ids_to_events.get(event)
        return known.session_hash if known else event

    async def _write(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        headers = Headers(scope=scope)
        client = scope["client"][0] if scope.get("client") else None
        address = address_of(client, ",".join(headers.getlist("x-forwarded-for")), self.proxies)
        route = get_route_path(scope).rstrip("/")
        if route == f"{API}/upload":
            await self._upload(scope, receive, answer, address)
            return
        body = await whole(receive, headers.get("content-length"))
        if body is None:
            await answer.refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"request: expected at most {MAX_BODY} bytes, got more"
            )
            return
        problem = self.door.problem(address, len(body))
        if problem is None and route != LOGIN:
            problem = self._body_problem(body)
        if problem is not None:
            await answer.refuse(*problem)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return messages.pop() if messages else await receive()

        with self.door.passed(scope, address):
            await self.app(scope, replayed, answer.send)

    async def _upload(self, scope: Scope, receive: Receive, answer: Answer, address: str) -> None:
        if min(budget.left(address, self.clock()) for budget in (self.files, self.bytes)) <= 0:
            await answer.refuse(HTTPStatus.TOO_MANY_REQUESTS, "upload: expected fewer a minute; wait a little")
            return
        upload = Upload(receive)
        await self.app(scope, upload.receive, answer.send)
        self.files.spend(address, max(1, upload.files), self.clock())
        self.bytes.spend(address, upload.bytes, self.clock())

    def _body_problem(self, body: bytes) -> tuple[HTTPStatus, str] | None:
        try:
            if body:
                check_body(body, self.page.fns)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, str(error)
        return None


class Answer:
    """Sends an answer with `HEADERS`; one that would repeat what came (422) becomes a line of ours."""

    def __init__(self, send: Send):
        self._send, self.started, self._replaced = send, False, False

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] == HTTPStatus.UNPROCESSABLE_ENTITY:
                await self.refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "request: expected other fields than those it has")
                self._replaced = True
                return
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await self._send(message)

    async def refuse(self, status: HTTPStatus, line: str) -> None:
        self.started = True
        body = json.dumps({"error": line, "detail": line}).encode()
        headers = {**HEADERS, "Content-Type": "application/json", "Content-Length": str(len(body))}
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # what is still coming is not read either
            headers["Connection"] = "close"
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": int(status), "headers": pairs})
        await self._send({"type": "http.response.body", "body": body})


async def whole(receive: Receive, length: str | None) -> bytes | None:
    """A request's body; None as soon as it is known to be too large."""
    if length is not None and (not length.isdecimal() or int(length) > MAX_BODY):
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)
