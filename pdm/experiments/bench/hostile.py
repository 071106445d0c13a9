"""The benchmark's section on what accidents and strangers do: kills, hostile files, raw requests."""

from __future__ import annotations

from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.hostile_files import files
from pdm.experiments.bench.hostile_kills import kills
from pdm.experiments.bench.hostile_requests import requests

PARTS = {"kills": kills, "files": files, "requests": requests}


def hostile(bench: Bench) -> tuple[Numbers, dict]:
    """How many of each were tried, and what they broke, which must be nothing."""
    numbers, settings = {}, {}
    for name, part in PARTS.items():
        found, how = part(bench)
        numbers |= found
        settings[name] = how
    return numbers, settings
