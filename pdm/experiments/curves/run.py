"""`python -m pdm curves`: how time, quality and memory scale, as a file of rows that the page draws.

The file: {"version": 1, "machine": {...}, "curves": {NAME: {"command", "settings", "rows": [...]}}}. A row is written
when it is measured, and one that is there is kept, so a run that was killed goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pdm.experiments.bench.run import machine
from pdm.experiments.curves.curve import Curve, Lab
from pdm.experiments.curves.frechet import frechet_by_steps
from pdm.experiments.curves.lookup import lookup
from pdm.experiments.curves.times import time_by_batch, time_by_steps
from pdm.results.versions import VERSIONS, read_results
from pdm.support.checks import some_of
from pdm.support.files import as_json, write_json

VERSION = VERSIONS["curves"]
CURVES: dict[str, Callable[[Lab], Curve]] = {
    "time_by_batch": time_by_batch,
    "time_by_steps": time_by_steps,
    "frechet_by_steps": frechet_by_steps,
    "lookup": lookup,
}


def chosen_curves(only: str | None) -> list[str]:
    """The names in "time_by_batch,lookup", or all; raises ValueError for an unknown one."""
    return list(CURVES) if only is None else some_of("--only", only, CURVES)


def run(path: Path, names: list[str], lab: Lab, command: str) -> dict:
    """Measure the rows of these curves that the file does not hold; returns all that it holds then.

    Raises ValueError for a file of something else, and for a curve in it of other settings or of another machine.
    """
    results = read_results(Path(path), VERSION) or {"version": VERSION, "machine": {}, "curves": {}}
    here = machine(lab.bench)
    for name in names:
        curve = CURVES[name](lab)
        settings = as_json({**curve.settings, "quick": lab.bench.quick, "machine": here})
        entry = results.setdefault("curves", {}).setdefault(
            name, {"command": command, "settings": settings, "rows": []}
        )
        _check_same(path, name, entry["settings"], settings)
        missing = [point for point in curve.points if not any(row | point == row for row in entry["rows"])]
        for number, point in enumerate(missing):
            told = ", ".join(f"{key} {value}" for key, value in point.items())
            print(f"curves: {name}, {told} ({number + 1} of {len(missing)})", flush=True)
            entry["rows"].append(as_json(point | curve.measure(point)))
            entry["settings"].update(curve.summary(entry["rows"]))
            results["machine"] = here
            write_json(Path(path), results)
        curve.done()
    return results


def _check_same(path: Path, name: str, there: dict, settings: dict) -> None:
    other = [key for key, value in settings.items() if there.get(key) != value]
    if other:
        raise ValueError(
            f"--json {path}: expected {name} of these settings, got it of others ({', '.join(other)}); "
            "choose another file, or the same options on the same machine"
        )
