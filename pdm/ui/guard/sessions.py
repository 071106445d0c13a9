"""Gradio's memory of visits, with an end: each leaves 0.6 to 1.5 MB behind, and one with many batches far more."""

from __future__ import annotations

import datetime
import time

from gradio.state_holder import StateHolder

CLOSED, UNUSED = 900, 7200  # seconds after which a page that was closed, or left alone, is forgotten
LOOK = 30.0  # seconds between two looks


class Sessions(StateHolder):
    """Forgets visits that ended, and when there are too many, those that ended before those that go on."""

    CAPACITY = 400

    def __init__(self):
        super().__init__()
        self._looked = 0.0

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

    def _forget(self, session: str) -> None:
        self.session_data.pop(session, None)
        self.time_last_used.pop(session, None)
