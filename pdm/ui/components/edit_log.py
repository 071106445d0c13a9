"""What a visitor did to the prototypes, one sentence for each edit; a click goes back (or forward) to it."""

from __future__ import annotations

from pathlib import Path

from pdm.editing.history import EditHistory
from pdm.ui.components.scripted import Scripted

CSS = """
ol {
  list-style: none; margin: 0; padding: 0; max-height: 190px; overflow-y: auto;
  display: flex; flex-direction: column-reverse; justify-content: flex-end;
}
button {
  width: 100%; text-align: left; border: 0; background: none; color: var(--body-text-color); font: inherit;
  font-size: 13px; padding: 5px 10px; border-left: 2px solid var(--border-color-primary); cursor: pointer;
  overflow-wrap: anywhere;
}
button:hover { background: var(--background-fill-secondary); }
button:focus-visible { outline: 2px solid var(--color-accent); outline-offset: -2px; }
button[aria-current="step"] { border-left-color: var(--color-accent); font-weight: 600; }
button.undone { color: var(--body-text-color-subdued); }
"""
SHOWN = 60  # sentences at most


class EditLog(Scripted):
    """Shows what `log` returns. Events: "go" with `index`, the entry to go to."""

    def __init__(self, **kwargs):
        super().__init__(
            {"entries": [], "current": 0, "first": 0},
            html="<ol></ol>",
            css=CSS,
            script=Path(__file__).with_suffix(".js").read_text(),
            **kwargs,
        )


def log(history: EditHistory) -> dict:
    """The value of an EditLog: the latest sentences, and which of them describes the set as it is now."""
    sentences, current = history.entries
    first = max(0, min(len(sentences) - SHOWN, current - SHOWN // 2))
    return {"entries": list(sentences[first : first + SHOWN]), "current": current, "first": first}
