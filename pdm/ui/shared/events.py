"""How the page's events run: hidden from API clients, denoising one at a time, and a Stop that stops."""

from __future__ import annotations

import gradio as gr

DENOISING = "denoising"  # one concurrency group: pictures are made one request at a time
PRIVATE = {"api_visibility": "private", "show_progress": "hidden"}
# Quick events go through the queue as well: outside of it an error is a failed request, and nobody reads its message.
QUICK = {"concurrency_limit": None, **PRIVATE}
# Of one event in quick succession Gradio drops all but the first, unless told otherwise. LATEST: for what components
# hold, of which the last counts. EVERY: for what an event itself says, such as clicks, one after the other.
LATEST = {"trigger_mode": "always_last", **QUICK}
EVERY = {"trigger_mode": "multiple", "concurrency_limit": 1, **PRIVATE}
SESSION_SECONDS = 3600  # how long a visitor's state is kept after the page was left
MAX_VISITORS = 10_000  # whose Stops are remembered


class StopSwitch:
    """A Stop button that a running handler looks at between steps, so that the handler itself has the last word.

    `pressed` holds how often the visitor had pressed it; a run takes it as an input when it is asked for, so a Stop
    also ends what is still waiting in the queue, and never what is asked for later.
    """

    def __init__(self, button: gr.Button):
        self.pressed = gr.Number(0, visible=False)
        self._counts: dict[str, int] = {}
        button.click(self._press, None, self.pressed, queue=False, **PRIVATE)

    def _press(self, request: gr.Request) -> int:
        count = self._counts.pop(request.session_hash, 0) + 1
        self._counts[request.session_hash] = count
        if len(self._counts) > MAX_VISITORS:
            del self._counts[next(iter(self._counts))]
        return count

    def asked(self, request: gr.Request, pressed: float) -> bool:
        """Whether this visitor has pressed Stop since a run with that `pressed` was asked for."""
        return self._counts.get(request.session_hash, 0) > pressed
