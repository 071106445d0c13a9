"""The script by which a page works where the browser forbids it to keep anything."""

from __future__ import annotations

from pathlib import Path


def script() -> str:
    """HTML for the page's head, before all that reads what the browser keeps."""
    return f"<script>{Path(__file__).with_suffix('.js').read_text()}</script>"
