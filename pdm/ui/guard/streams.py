"""What comes in while it comes: uploads, counted, and clients that leave an answer's stream."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm.ui.guard.listeners import Listeners
from pdm.ui.guard.uploads import MAX_BYTES

FILES = 8  # in one upload
FIELD = b"filename="


class Upload:
    """Counts an upload's bytes and files while they pass, and breaks it off when they are too many."""

    def __init__(self, receive: Receive):
        self._receive, self._tail = receive, b""
        self.files = self.bytes = 0

    async def receive(self) -> Message:
        """Raises MultiPartException, upon which Gradio deletes what it has written and answers 413."""
        message = await self._receive()
        chunk = message.get("body", b"")
        seen = self._tail + chunk
        self.files += seen.count(FIELD)
        self._tail = seen[-len(FIELD) + 1 :]
        self.bytes += len(chunk)
        if self.bytes > FILES * MAX_BYTES or self.files > FILES:
            raise MultiPartException(f"upload: expected fewer files than {FILES + 1}, of the maximum allowed size")
        return message


async def watched(app: ASGIApp, scope: Scope, receive: Receive, send: Send, listeners: Listeners, session: str) -> None:
    """Serve a stream of answers; the moment its client leaves, the listeners know."""
    waiting: asyncio.Queue[Message] = asyncio.Queue()
    broke_off = False

    async def watch() -> None:
        nonlocal broke_off
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                broke_off = True
                listeners.closed(session, broke_off=True)
            waiting.put_nowait(message)
            if broke_off:
                return

    listeners.opened(session)
    watching = asyncio.create_task(watch())
    try:
        await app(scope, waiting.get, send)
    finally:
        if not broke_off:
            listeners.closed(session, broke_off=False)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
