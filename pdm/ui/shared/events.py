"""How the page's events run: hidden from API clients, none lost, and with a Stop button."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from pdm.ui.guard.turns import look_again

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Quick events go through the queue as well: outside of it an error is a failed request, and its message is not shown.
# What a visitor has painted has no limit here either: it waits at the gate (`pdm.ui.guard.turns.gated`).
QUICK: dict[str, Any] = {"concurrency_limit": None, **PRIVATE}
# When an event comes again before the last one has ended, Gradio drops it, unless told otherwise. LATEST: the event
# reads what components hold, so only the last one matters. EVERY: the event itself says something, such as which
# picture was clicked, so all of them are handled, one after the other.
LATEST: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
EVERY: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 1, **PRIVATE}
SESSION_SECONDS = 3600  # how long a visitor's state is kept after the page was left
MAX_VISITORS = 10_000  # whose Stops are remembered
INTO_VIEW = """
async () => {
  for (let tries = 0; tries < 60; tries++) {
    const part = document.querySelector('%s');
    if (part?.offsetParent) return part.scrollIntoView({block: 'center'});
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
"""


def into_view(selector: str) -> str:
    """A script that scrolls to a part of a tab, once the tab is open."""
    return INTO_VIEW % selector


def if_open(selector: str) -> str:
    """A script for an event whose last input says whether a part of a tab, which the selector names, is in view."""
    return f"(...values) => [...values.slice(0, -1), Boolean(document.querySelector('{selector}')?.offsetParent)]"


def hide_status(page: gr.Blocks, unseen: gr.HTML) -> None:
    """Let one component that nobody sees have the status of all events of a page that show none.

    Where nothing says so, Gradio gives every message of an event to each output that any event had before: while a
    star was dragged, two thirds of the browser's work.
    """
    for event in page.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = [unseen]


class StopSwitch:
    """A Stop button. A running handler looks at it between two steps and ends by itself, so it can say that it did.

    `pressed` is how often this visitor has pressed the button. A run takes it as an input when it is asked for, and is
    to stop once the count is higher: so a press also stops runs that still wait, in the queue or at the gate, and no
    later ones.
    """

    def __init__(self, button: gr.Button):
        self.pressed = gr.Number(0, visible=False)
        self._counts: dict[str | None, int] = {}
        button.click(self._press, None, self.pressed, queue=False, **PRIVATE)

    def _press(self, request: gr.Request) -> int:
        count = self._counts.pop(request.session_hash, 0) + 1
        self._counts[request.session_hash] = count
        if len(self._counts) > MAX_VISITORS:
            del self._counts[next(iter(self._counts))]
        look_again(request)
        return count

    def asked(self, request: gr.Request, pressed: float) -> bool:
        """Whether this visitor has pressed Stop since a run with that `pressed` was asked for."""
        return self._counts.get(request.session_hash, 0) > pressed

    def asked_of(self, handler: Callable) -> Callable[..., bool]:
        """`asked` of the arguments of a handler, which has `pressed` and `asker` among them: for `gated`."""
        signature = inspect.signature(handler)

        def asked(*args, **named) -> bool:
            given = signature.bind(*args, **named).arguments
            return self.asked(given["asker"], given["pressed"])

        return asked
