"""How the page is served: limits of Gradio's own, in one place, and how the guard is put before it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.middleware import Middleware

from pdm.ui.components import page_load
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.bodies import MAX_BODY
from pdm.ui.guard.card import Card
from pdm.ui.guard.doors import Doors
from pdm.ui.guard.hosts import served_hosts
from pdm.ui.guard.http import RequestGuard
from pdm.ui.guard.sessions import Sessions
from pdm.ui.guard.visitors import trusted_proxies
from pdm.ui.words import catalogues

# Painting waits at the gate, so what waits here is quick: a page's opening or a click is never refused for paintings.
# Events with no limit of their own run one at a time.
QUEUE = {"max_size": 1000, "default_concurrency_limit": 1, "api_open": False}
BLOCKS = {"analytics_enabled": False, "delete_cache": (600, 7200)}  # files older than two hours go, every ten minutes
MAX_THREADS = 256  # events in hand at once: more than the guard lets in (`quick.IN_ALL`)
# The endpoints that edit need a session, which MCP's requests don't carry; one of them would take files besides.
TOOLS = ("/models", "/prototypes", "/generate", "/compare", "/paint")


def launch_options(
    page: GuardedBlocks, host: str, *, read_only: bool = False, mcp: bool = False, training: bool = False
) -> dict:
    """The arguments of `launch` that protect; raises ValueError for wrong environment variables.

    read_only: uploads are refused. mcp: the public endpoints are tools as well, where the package `mcp` is there.
    training: files may be as large as a zip of images to train on.
    """
    proxies = trusted_proxies()

    @asynccontextmanager
    async def lifespan(app) -> AsyncIterator[None]:
        app.state_holder = Sessions()
        app.state_holder.set_blocks(page)
        offer_tools(page)
        yield

    # After each event Gradio sums up those before, for a page that nobody sees: 40 ms of pandas, more than a click.
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # Gradio's own spelling
    page._queue.ANALYTICS_MAX_EVENTS = 100
    guard = Middleware(RequestGuard, page=page, hosts=served_hosts(host), proxies=proxies)
    doors = Middleware(Doors, page=page, proxies=proxies, read_only=read_only)  # behind the guard, before Gradio
    uploads = page_load.MOST_PICTURE if training else page_load.MOST_UPLOAD
    card = Middleware(Card, title=str(page.title), script=page_load.first() + catalogues.script())
    return {
        "app_kwargs": {"middleware": [guard, doors, card], "lifespan": lifespan},
        "head": page_load.script(page, MAX_BODY, uploads),
        "mcp_server": mcp,
        "max_file_size": uploads,
        "max_threads": MAX_THREADS,
        "state_session_capacity": Sessions.CAPACITY,
    }


def offer_tools(page: GuardedBlocks) -> None:
    """Of the public endpoints those that an MCP client can use; all others can't be called by that door either."""
    if page.mcp_server_obj is not None:
        offered = page.mcp_server_obj.tool_to_endpoint
        for tool in [tool for tool, endpoint in offered.items() if endpoint not in TOOLS]:
            del offered[tool]
