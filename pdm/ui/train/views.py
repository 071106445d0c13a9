"""What the Train tab shows of a run, as HTML: the images, the plan, how far it is, curves, and the last samples."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pdm.making.names import SHEET_FILE
from pdm.making.runs import DONE, FAILED, LOOKING, PAUSED, PLANNED, RUNNING, STOPPED, Run

WIDTH, HEIGHT = 480, 120  # of a curve
MOST = 300  # points of one
SAID = {
    LOOKING: "Looking at the images, and measuring this device ...",
    PLANNED: "This is the plan. Change it, or start.",
    RUNNING: "Being made. You may close this page, or end the app: it goes on.",
    PAUSED: "Paused: its process stands still.",
    STOPPED: "Stopped. It goes on from its last checkpoint.",
    FAILED: "This did not work.",
    DONE: "Finished.",
}


def state_line(run: Run, state: str) -> str:
    """A heading with the model's name, and what to know."""
    said = SAID[state]
    if state == FAILED:
        said = f"{said} {run.error or 'Its process ended without a word.'}"
    if state == RUNNING and run.finishing:
        said = "Finishing with what was learned: the rest is made as planned."
    return f'<p class="run" data-state="{state}"><b>{escape(run.name)}</b>: {escape(said)}</p>'


def found(run: Run) -> str:
    """The sheet of images, and what was found, in words."""
    sheet = picture(run.work / SHEET_FILE, "Images from all over the set")
    return f"{sheet}<p>{escape(str(run.found.get('found', '')))}</p>" if sheet else ""


def plan(run: Run) -> str:
    """The plan's lines, its warnings among them."""
    lines = "\n".join(map(str, run.found.get("plan", [])))
    return f"<pre>{escape(lines)}</pre>" if lines else ""


def progress(points: Sequence[dict]) -> str:
    """Where it is, in a line with a bar."""
    if not points:
        return "<p>Loading the images ...</p>"
    last = points[-1]
    unit = "images" if last["unit"] == "img" else f"{last['unit']}s"
    speed = f", {last['speed']:,.0f} {unit}/s" if last.get("speed") else ""
    done, of = last["done"], max(1, last["of"])
    return (
        f'<p class="progress" data-part="{escape(last["part"])}" data-done="{done}"><b>{escape(last["part"])}</b>: '
        f"{done:,} of {of:,} {unit}{speed}, {_left(last['left'])} "
        f'<progress max="{of}" value="{done}"></progress></p>'
    )


def _left(seconds: float) -> str:
    return f"about {seconds / 60:,.0f} min left in all" if seconds >= 60 else "less than a minute left in all"


def curves(points: Sequence[dict]) -> str:
    """The loss of the part that learns, in all and by noise level, and how many prototypes are in use."""
    learning = [point for point in points if point.get("loss") is not None]
    part = learning[-1]["part"] if learning else ""
    losses = [(point["done"], point["loss"]) for point in learning if point["part"] == part]
    used = [(point["at"], point["used"][0]) for point in points if point.get("used")]
    of = next((point["used"][1] for point in reversed(points) if point.get("used")), 0)
    shown = curve(f"loss of the {part}", losses) if len(losses) > 1 else ""
    shown += _by_noise([point for point in learning if point["part"] == part])
    return shown + (curve(f"prototypes in use, of {of}", used, low=0, high=of) if len(used) > 1 else "")


def _by_noise(points: Sequence[dict]) -> str:
    """A small curve for each noise level: fine detail is learned at the low ones, what there is at the high ones."""
    last = points[-1].get("levels") or {} if points else {}
    lines = {name: [(p["done"], p["levels"][name]) for p in points if name in (p.get("levels") or {})] for name in last}
    shown = [curve(f"at {name}", line) for name, line in lines.items() if len(line) > 1]
    return f'<div class="by-noise">{"".join(shown)}</div>' if shown else ""


def curve(
    title: str, values: Sequence[tuple[float, float]], low: float | None = None, high: float | None = None
) -> str:
    """A line through (x, y), x rising, with its last value in words."""
    values = [*values[: -1 : max(1, len(values) // MOST)], values[-1]]
    low = min(y for _, y in values) if low is None else low
    high = max(y for _, y in values) if high is None else high
    first, span, rise = values[0][0], (values[-1][0] - values[0][0]) or 1, (high - low) or 1
    places = " ".join(
        f"{(x - first) / span * WIDTH:.1f},{HEIGHT - (y - low) / rise * (HEIGHT - 8) - 4:.1f}" for x, y in values
    )
    last = f"{values[-1][1]:,.4g}"
    return (
        f'<figure class="curve"><figcaption>{escape(title)}: <b>{last}</b></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}: {last}">'
        f'<polyline points="{places}" fill="none" stroke="currentColor" stroke-width="2" /></svg></figure>'
    )


def samples(run: Run) -> str:
    """The last grid that was painted."""
    grid = run.grid()
    return "" if grid is None else picture(grid, "Samples, each from prototypes as the images have them")


def picture(path: Path, words: str) -> str:
    """A PNG inside the page; empty where there is none."""
    try:
        data = base64.b64encode(path.read_bytes()).decode()
    except OSError:
        return ""
    return f'<img class="sheet" alt="{escape(words)}" src="data:image/png;base64,{data}" />'
