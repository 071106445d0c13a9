"""The languages of the page besides English, and the script that exchanges the words in a browser that wants one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pdm.ui.components.served import url_of

HERE = Path(__file__).parent
CATALOGUES = tuple(sorted(HERE.glob("*.json")))  # de.json for German; `gr.set_static_paths` names them


def script() -> str:
    """HTML for the page's head, ahead of all that shows words. Only a browser that wants one fetches a catalogue."""
    addresses = {path.stem: f"{url_of(path)}?v={_version(path)}" for path in CATALOGUES}
    return f"<script>{{\nconst catalogues = {json.dumps(addresses)};\n{(HERE / 'words.js').read_text()}}}</script>"


def _version(path: Path) -> str:
    """Eight digits that change with the file, so that a browser may keep what it has fetched."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
