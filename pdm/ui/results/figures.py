"""The figures of the Results tab, each made from a file of results as `read_shipped` gives it."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log10

from pdm.experiments.ablation.rows import DEFAULT
from pdm.results.shapes import distance_name
from pdm.results.table import sampled
from pdm.sampling.student import STUDENT
from pdm.ui.components.figure import Drawing
from pdm.ui.shared.wording import size

COLOURS = [f"var(--figure-{n})" for n in range(1, 8)]
SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star", "cross"]
ACCENT, TEXT, GRID, GROUND, BAND = COLOURS[0], *(f"var(--figure-{n})" for n in ("text", "grid", "ground", "band"))
HEIGHT = 340
NOT_FID = "This is not FID. "
NOISE = (
    f"The band is the noise floor around the default, {DEFAULT}: differences below the noise floor are not "
    "differences, and such rows are grey. "
)
SEARCHES = {
    "exact": "exact search",
    "hnsw": "HNSW",
    "ivf": "IVF",
    "qdrant": "Qdrant",
    "prototypes": "PDM: prototypes, no search",
}


def ablation_figure(results: dict) -> Drawing | None:
    """Frechet distance of each row and of each of its seeds, with the noise floor around the default's."""
    rows = {name: row for name, row in results["rows"].items() if row["numbers"].get("frechet") is not None}
    if not rows:
        return None
    settings, distance = results["settings"], distance_name(results["settings"]["feature_net"])
    seeds = [(name, seed["frechet"]) for name, row in rows.items() for seed in row["seeds"] if "frechet" in seed]
    layout = _layout(_log_axis(distance, [x for _, x in seeds]), _axis("", autorange="reversed"))
    layout |= {"height": 96 + 27 * len(rows), "showlegend": False}
    images = f"{settings['optimiser']['images']:,} images"
    caption = f"The net {settings['net']} after {images}: a circle a seed, a dot their mean. "
    noise = (results["noise_floor"] or {}).get("frechet")
    if noise is not None and DEFAULT in rows:
        centre = rows[DEFAULT]["numbers"]["frechet"]
        layout["shapes"] = [_band(max(centre - noise, centre / 100), centre + noise)]
        caption += NOISE
    caption += sampled(settings["sampling"], settings["reference"], settings["feature_net"])
    title = f"Ablation: {distance}, lower is better"
    return Drawing(title, _named(caption, distance), results["command"], [_means(rows), _seeds(seeds)], layout)


def _means(rows: dict[str, dict]) -> dict:
    """One dot for each row, grey if the row does not differ from the default."""
    same = [row.get("differs", {}).get("frechet") is False for row in rows.values()]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "mean",
        "x": [row["numbers"]["frechet"] for row in rows.values()],
        "y": list(rows),
        "marker": {"size": 11, "color": [COLOURS[6] if s else ACCENT for s in same]},
        "text": [row["what"] for row in rows.values()],
        "hovertemplate": "%{text}<br>%{x:.2f}<extra></extra>",
    }


def _seeds(seeds: list[tuple[str, float]]) -> dict:
    """One circle for each seed: (row, distance)."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "a seed",
        "x": [x for _, x in seeds],
        "y": [name for name, _ in seeds],
        "hovertemplate": "a seed: %{x:.2f}<extra></extra>",
        "marker": {"size": 8, "symbol": "circle-open", "color": TEXT, "line": {"width": 1.5}},
    }


def time_by_batch(curve: dict) -> Drawing:
    return _time(curve, "batch", "Time against batch size", "pictures at once")


def time_by_steps(curve: dict) -> Drawing:
    return _time(curve, "steps", "Time against denoising steps", "steps")


def _time(curve: dict, key: str, title: str, axis: str) -> Drawing:
    rows = sorted(curve["rows"], key=lambda row: row[key])
    line = _line("", 0, [row[key] for row in rows], [row["seconds"] for row in rows], "%{x}: %{y:.3g} s")
    line["error_y"] = {"type": "data", "array": [row.get("spread") or 0 for row in rows], "color": TEXT, "thickness": 1}
    layout = _layout(_steps_axis(axis, [row[key] for row in rows]), _axis("seconds", rangemode="tozero"))
    caption = f"Bars are the spread of repeated runs.{_settings(curve)}"
    return Drawing(title, caption, curve["command"], [line], layout | {"showlegend": False})


def frechet_by_steps(curve: dict) -> Drawing:
    distance = distance_name(str(curve["settings"].get("feature_net")))
    names: list[str] = list(dict.fromkeys(row["sampler"] for row in curve["rows"]))
    data = []
    for i, name in enumerate(names):
        rows = sorted((row for row in curve["rows"] if row["sampler"] == name), key=lambda row: row["steps"])
        x, y = [row["steps"] for row in rows], [row["frechet"] for row in rows]
        data.append(_line("the student" if name == STUDENT else name, i, x, y, "%{x} steps: %{y:.2f}"))
    x = _steps_axis("steps", [row["steps"] for row in curve["rows"]])
    layout = _layout(x, _log_axis(distance, [row["frechet"] for row in curve["rows"]]))
    caption = _named(f"A line a sampler, lower is better.{_settings(curve)}", distance)
    return Drawing(f"{distance} against denoising steps", caption, curve["command"], data, layout)


def lookup(curve: dict) -> Drawing:
    timed = [row for row in curve["rows"] if row.get("ms") is not None]
    data = []
    for i, what in enumerate(dict.fromkeys(str(row["what"]) for row in timed)):
        rows = sorted((row for row in timed if row["what"] == what), key=lambda row: row["entries"])
        x, y = [row["entries"] for row in rows], [row["ms"] for row in rows]
        data.append(_line(SEARCHES.get(what, what), i, x, y, "%{x:,} entries: %{y:.3g} ms"))
    axes = _axis("entries", type="log", dtick=1), _log_axis("milliseconds", [row["ms"] for row in timed])
    said = "Finding what a picture is conditioned on. Memories that were only computed have no time."
    caption = f"{said}{_settings(curve)}"
    return Drawing("Lookup time against entries", caption, curve["command"], data, _layout(*axes))


CURVES: dict[str, Callable[[dict], Drawing]] = {
    "time_by_batch": time_by_batch,
    "time_by_steps": time_by_steps,
    "frechet_by_steps": frechet_by_steps,
    "lookup": lookup,
}


def _line(name: str, i: int, x: list, y: list, hover: str) -> dict:
    colour, symbol = COLOURS[i % len(COLOURS)], SYMBOLS[i % len(SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x,
        "y": y,
        "hovertemplate": hover,
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": 8},
    }


def _axis(title: str, **options) -> dict:
    return {
        "title": {"text": title},
        "automargin": True,
        "fixedrange": True,
        "color": TEXT,
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        **options,
    }


def _steps_axis(title: str, values: list[int]) -> dict:
    """A log axis with a tick at each value that was measured."""
    ticks = sorted(set(values))
    return _axis(title, type="log", tickvals=ticks, ticktext=[str(v) for v in ticks])


def _log_axis(title: str, values: list[float]) -> dict:
    """A log axis with ticks at 1, 2, 5, 10, ... in full: Plotly would write 5 for each of .05, .5 and 50."""
    logs = [floor(log10(v)) for v in values if v > 0] or [0]
    ticks = [digit * 10.0**power for power in range(min(logs), max(logs) + 1) for digit in (1, 2, 5)]
    return _axis(title, type="log", tickvals=ticks, ticktext=[f"{v:g}" for v in ticks])


def _layout(xaxis: dict, yaxis: dict) -> dict:
    return {
        "height": HEIGHT,
        "xaxis": xaxis,
        "yaxis": yaxis,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "dragmode": False,
        "hovermode": "closest",
        "font": {"family": "system-ui, sans-serif", "size": 12.5, "color": TEXT},
        "hoverlabel": {"bgcolor": GROUND, "bordercolor": GRID, "font": {"color": TEXT}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }


def _band(low: float, high: float) -> dict:
    return {
        "type": "rect",
        "x0": low,
        "x1": high,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "fillcolor": BAND,
        "line": {"width": 0},
    }


def _named(caption: str, distance: str) -> str:
    return caption if distance == "FID" else f"{NOT_FID}{caption}"


def _settings(curve: dict) -> str:
    """A curve's settings as one more sentence of its caption. Digests and what is switched off are left out."""
    said = [
        f"{key.replace('_', ' ')}: {size(value) if key.endswith('bytes') and isinstance(value, int) else _value(value)}"
        for key, value in curve["settings"].items()
        if value is not False and not key.endswith("hash")
    ]
    return f" Settings: {'; '.join(said)}." if said else ""


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(v)}" for key, v in value.items())
    if isinstance(value, list):
        return " and ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
