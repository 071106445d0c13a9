"""The card that other sites show for a link to the page: the project's own words and picture, not Gradio's."""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus
from pathlib import Path

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm.support.paths import ASSETS

PICTURE = "/card.jpg"
WORDS = "Pick prototypes, drag them, mix them, and watch a small diffusion network paint what they stand for."
META = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*?/>\s*')
HEAD = b'<meta charset="utf-8" />'  # stays in front, among the first bytes


class Card:
    """Pure ASGI middleware: serves the picture, and puts the project's tags into the page in place of those there.

    script: HTML for the end of the page's head, where Gradio's configuration is there and its modules have not run yet;
    what `launch` is given for the head they add themselves, later.
    """

    def __init__(self, app: ASGIApp, title: str, picture: Path = ASSETS / "thumbnail.jpg", script: str = ""):
        self.app, self.title, self.picture, self.script = app, title, picture, script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        route = get_route_path(scope)
        if route == PICTURE:
            there = self.picture.is_file()
            found = FileResponse(self.picture) if there else Response(status_code=HTTPStatus.NOT_FOUND)
            await found(scope, receive, send)
        elif route in ("", "/"):
            await self.app(scope, receive, Page(send, self.tags(scope), self.script).send)
        else:
            await self.app(scope, receive, send)

    def tags(self, scope: Scope) -> bytes:
        """What the page's head is to say of it; addresses are whole, as those who read them ask."""
        request = Request(scope)
        scheme = request.headers.get("x-forwarded-proto", "").split(",")[0].strip() or request.url.scheme
        host = request.headers.get("x-forwarded-host", "").split(",")[0].strip() or request.headers.get("host", "")
        here = f"{scheme if scheme in ('http', 'https') else 'https'}://{host}{scope.get('root_path', '').rstrip('/')}"
        values = {"title": self.title, "description": WORDS, "image": here + PICTURE}
        tags = {f"og:{key}": value for key, value in values.items()} | {"og:type": "website", "og:url": f"{here}/"}
        lines = [f'<meta property="{key}" content="{escape(value)}" />' for key, value in tags.items()]
        lines += [f'<meta name="twitter:{key}" content="{escape(value)}" />' for key, value in values.items()]
        lines += ['<meta name="twitter:card" content="summary_large_image" />']
        lines += [f'<meta name="description" content="{escape(WORDS)}" />']
        return "".join(lines).encode()


class Page:
    """An answer whose HTML gets other tags and a script; whatever else it is passes as it comes."""

    def __init__(self, send: Send, tags: bytes, script: str):
        self._send, self._tags, self._script, self._start, self._body = send, tags, script.encode(), None, b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = MutableHeaders(raw=message["headers"]).get("content-type", "")
            encoded = "content-encoding" in MutableHeaders(raw=message["headers"])
            if message["status"] == HTTPStatus.OK and kind.startswith("text/html") and not encoded:
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        """Send the page, with its new length where it has a body: an answer to HEAD has none."""
        head, closed, rest = self._body.partition(b"</head>")
        body = META.sub(b"", head).replace(HEAD, HEAD + self._tags, 1) + self._script + closed + rest
        if self._body:
            MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
