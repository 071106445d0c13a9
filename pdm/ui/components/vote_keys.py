"""The arrow keys as votes, and a line that says so."""

from __future__ import annotations

from pathlib import Path

from pdm.ui.components.scripted import Scripted

LINE = "<p>Keys: ← left, → right, ↑ tie, ↓ both bad.</p>"
CSS = """
p { margin: 0; font-size: 13px; color: var(--body-text-color-subdued); }
@media (hover: none) { p { display: none; } }
"""


class VoteKeys(Scripted):
    """Has no value and no events: it presses the buttons whose ids the script names."""

    def __init__(self, **kwargs):
        script = Path(__file__).with_suffix(".js").read_text()
        super().__init__(None, html=LINE, css=CSS, script=script, **kwargs)
