"""Gradio's memory of visits, small and with an end: what a visitor has made, and what differs on his page."""

from __future__ import annotations

import datetime
import time
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from pdm.support.allocator import give_back

CLOSED, UNUSED = 900, 7200  # seconds after which a page that was closed, or left alone, is forgotten
LOOK = 30.0  # seconds between two looks


class Visit(SessionState):
    """A visit without a copy of the page's configuration: 4 MB and a tenth of a second each, for Gradio's deep links.

    Links to what a visitor has made are the page's own (`pdm.ui.shared.link`).
    """

    def __init__(self, page: gr.Blocks):
        super().__init__(SimpleNamespace(default_config=page.default_config, blocks={}))  # type: ignore[arg-type]

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = block.time_to_live, datetime.datetime.now()
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):
    """Forgets visits that ended, and when there are too many, those that ended before those that go on."""

    CAPACITY = 400

    def __init__(self):
        super().__init__()
        self._looked = 0.0

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Visit(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """A visit goes on: the latest used comes last. Called by Gradio for every event."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            while len(self.session_data) > self.capacity:
                gone = next((s for s, state in self.session_data.items() if state.is_closed), None)
                self._forget(gone or next(iter(self.session_data)))

    def delete_all_expired_state(self) -> None:
        """Called by Gradio every second."""
        super().delete_all_expired_state()
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked, now = time.monotonic(), datetime.datetime.now()
        with self.lock:
            for session, state in list(self.session_data.items()):
                unused = (now - self.time_last_used.get(session, now)).total_seconds()
                if unused > (CLOSED if state.is_closed else UNUSED):
                    self._forget(session)
        give_back()

    def _forget(self, session: str) -> None:
        self.session_data.pop(session, None)
        self.time_last_used.pop(session, None)
