"""Words and small pieces of HTML that more than one tab uses. Text that comes from elsewhere is escaped here."""

from __future__ import annotations

from html import escape

from pdm.app.requests import Request
from pdm.sampling.student import STUDENT

METHOD_NAMES = {"pdm": "PDM, prototypes", "rdm": "RDM, retrieval", "unconditional": "Unconditional"}
SHORT_NAMES = {
    "pdm": "PDM",
    "rdm": "RDM",
    "unconditional": "Unconditional",
    "s-pdm": "s-PDM",
    "paper": "Published PDM",
}
COLOURS = {
    "pdm": "var(--color-accent)",
    "rdm": "#b7791f",
    "unconditional": "#7a7f8a",
    "s-pdm": "#4c7fd6",
    "paper": "#a66bc9",
}
NAME = ' translate="no"'  # of an element whose text is a name: words.js leaves it as it is


def bars(rows: list[tuple[str, float, str, str]], unit: str = "", *, named: bool = False) -> str:
    """Horizontal bars, each (label, value, shown text, colour); the longest one fills the width.

    named: the labels are names, which no language changes.
    """
    top = max((value for _, value, _, _ in rows), default=0) or 1
    lines = "".join(
        f'<div class="bar"><span{NAME if named else ""}>{escape(label)}</span>'
        f'<i style="--part:{value / top:.4f};--hue:{colour or "var(--color-accent)"}"></i><b>{escape(text)}</b></div>'
        for label, value, text, colour in rows
    )
    return f'<div class="bars">{lines}</div>' + (f'<p class="hint">{escape(unit)}</p>' if unit else "")


def intervals(rows: list[tuple[str, tuple[float, float, float], str]]) -> str:
    """Shares with their intervals on a line from 0 to 1, the middle marked: (label, (share, low, high), shown text)."""
    lines = "".join(
        f'<div class="bar"><span>{escape(label)}</span>'
        f'<div class="interval" style="--at:{share:.4f};--low:{low:.4f};--high:{high:.4f}"><i></i><u></u></div>'
        f"<b>{escape(text)}</b></div>"
        for label, (share, low, high), text in rows
    )
    return f'<div class="bars">{lines}</div>'


def heading(title: str, subtitle: str = "", colour: str = "", *, named: bool = False) -> str:
    """A title with a line under it. named: the title is a name, which no language changes."""
    dot = f'<i class="dot" style="background:{colour}"></i>' if colour else ""
    shown = f'<h3 class="panel-title"{NAME if named else ""}>{dot}{escape(title)}</h3>'
    return f'{shown}<p class="hint">{escape(subtitle)}</p>'


def status(text: str, part: float | None = None) -> str:
    """The line over a grid of pictures: what is going on, with a progress bar if `part` (0 to 1) of it is done."""
    done = f'<i style="width:{100 * part:.0f}%"></i>' if part is not None else ""
    return f'<div class="status" role="status">{escape(text)}<span>{done}</span></div>'


def painter(sampler: str) -> str:
    """Words to add if the student painted, not the denoiser."""
    return " by the student" if sampler == STUDENT else ""


def sketched_in(request: Request) -> str:
    """Words for what made a sketch."""
    return f"sketched{painter(request.sampler)}, {count_of(request.steps, 'step')}"


def count_of(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def size(count: float) -> str:
    """A number of bytes with its unit."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"
