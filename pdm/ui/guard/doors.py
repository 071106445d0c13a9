"""What is answered before Gradio sees it: whether the app is well, and doors that an option closes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pdm.app.budget import Budget
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.listeners import CALL
from pdm.ui.guard.visitors import address_of

HEALTH, LOGIN, UPLOAD, MCP = "/health", "/login", "/gradio_api/upload", "/gradio_api/mcp"
MCP_DOORS = (MCP, f"{MCP}/http", f"{MCP}/schema")  # not the older transport, whose streams stay open without an end
MCP_CALLS = 8  # at once: each holds a thread while it waits for its turn at the gate
LOGINS = 20  # tries of one address a minute
READ_ONLY = "upload: expected none, this app is read-only"
BUSY = "mcp: expected fewer calls at once; try again in a minute"
NO_DOOR = "path: expected one of this app, got another"
TOO_MANY = "login: expected fewer tries a minute; wait a little"


class Doors:
    """Pure ASGI middleware, for inside `RequestGuard`, which has checked the host and adds the headers."""

    def __init__(
        self,
        app: ASGIApp,
        page: GuardedBlocks,
        proxies: int = 0,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.app, self.page, self.proxies, self.read_only, self.clock = app, page, proxies, read_only, clock
        self.logins, self.calls = Budget(LOGINS), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        route = get_route_path(scope).rstrip("/")
        app = self._answer(scope, route) or self.app
        if route.startswith(MCP) and scope["method"] == "POST":
            await self._call(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _call(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """A request of MCP: what it leads to is wanted until its client has the answer, or has left.

        Gradio asks this app itself for what a tool does, in one session for all, and sends the headers along.
        """
        name, open_calls = secrets.token_hex(8), self.page.listeners.calls
        MutableHeaders(scope=scope)[CALL] = name
        open_calls.add(name)
        self.calls += 1
        try:
            await app(scope, receive, send)
        finally:
            self.calls -= 1
            open_calls.discard(name)

    def _answer(self, scope: Scope, route: str) -> JSONResponse | None:
        """Ours, or None where Gradio is to answer."""
        if route.startswith(MCP):
            if route not in MCP_DOORS:
                return _refusal(HTTPStatus.NOT_FOUND, NO_DOOR)
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, BUSY) if self.calls >= MCP_CALLS else None
        if scope["method"] in ("GET", "HEAD"):
            return self._health() if route == HEALTH else None
        if route == UPLOAD and self.read_only:
            return _refusal(HTTPStatus.FORBIDDEN, READ_ONLY)
        if route == LOGIN and not self._may_try(scope):
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY)
        return None

    def _health(self) -> JSONResponse:
        """For whoever watches over the app: 200 while it serves, 503 as soon as it has begun to end."""
        if self.page.listeners.ended:
            return JSONResponse({"status": "ending"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok"})

    def _may_try(self, scope: Scope) -> bool:
        """Passwords can't be found by trying."""
        client = scope["client"][0] if scope.get("client") else None
        address = address_of(client, ",".join(Headers(scope=scope).getlist("x-forwarded-for")), self.proxies)
        now = self.clock()
        if self.logins.left(address, now) < 1:
            return False
        self.logins.spend(address, 1, now)
        return True


def _refusal(status: HTTPStatus, line: str) -> JSONResponse:
    return JSONResponse({"error": line, "detail": line}, status)
