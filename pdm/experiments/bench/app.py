"""The benchmark's section on the app: from its start to the first pictures, and the memory it takes."""

from __future__ import annotations

from pdm.experiments.bench.app_probe import COUNT, probe_app
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.support.paths import ASSETS


def app_model(bench: Bench) -> str:
    """The measured model as app.py's --model."""
    return bench.assets.name if bench.assets.resolve().parent == ASSETS else str(bench.assets)


def app(bench: Bench) -> tuple[Numbers, dict]:
    """The app from its start to the first pictures, and the memory it takes."""
    numbers = probe_app(app_model(bench))
    return {
        "app.start_s": numbers.start_s,
        "app.pictures_s": numbers.pictures_s,
        "app.peak_rss_gb": numbers.peak_rss / 1e9,
    }, {"pictures": COUNT, "runs": 1}
