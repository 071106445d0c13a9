"""How the page is served: limits of Gradio's own, in one place, and how the guard is put before it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.middleware import Middleware

from pdm.ui.components import page_load
from pdm.ui.guard.blocks import GuardedBlocks
from pdm.ui.guard.bodies import MAX_BODY
from pdm.ui.guard.hosts import served_hosts
from pdm.ui.guard.http import RequestGuard
from pdm.ui.guard.sessions import Sessions
from pdm.ui.guard.visitors import trusted_proxies

# Painting waits at the gate, so what waits here is quick: a page's opening or a click is never refused for paintings.
# Events with no limit of their own run one at a time.
QUEUE = {"max_size": 1000, "default_concurrency_limit": 1, "api_open": False}
BLOCKS = {"analytics_enabled": False, "delete_cache": (600, 7200)}  # files older than two hours go, every ten minutes
MAX_THREADS = 256  # events in hand at once: more than the guard lets in (`quick.IN_ALL`)
MAX_UPLOAD = "5mb"


def launch_options(page: GuardedBlocks, host: str) -> dict:
    """The arguments of `launch` that protect; raises ValueError for wrong environment variables."""
    proxies = trusted_proxies()

    @asynccontextmanager
    async def lifespan(app) -> AsyncIterator[None]:
        app.state_holder = Sessions()
        app.state_holder.set_blocks(page)
        yield

    # After each event Gradio sums up those before, for a page that nobody sees: 40 ms of pandas, more than a click.
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # Gradio's own spelling
    page._queue.ANALYTICS_MAX_EVENTS = 100
    guard = Middleware(RequestGuard, page=page, hosts=served_hosts(host), proxies=proxies)
    return {
        "app_kwargs": {"middleware": [guard], "lifespan": lifespan},
        "head": page_load.script(page, MAX_BODY),
        "max_file_size": MAX_UPLOAD,
        "max_threads": MAX_THREADS,
        "state_session_capacity": Sessions.CAPACITY,
    }
