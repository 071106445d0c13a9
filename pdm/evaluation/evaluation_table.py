"""The table of an evaluation: a row for each way of drawing samples, and how far other seeds take it."""

from __future__ import annotations

from pdm.results.shapes import distance_name
from pdm.results.table import Table, number, sampled

# key: (how it is written, the key of its spread)
METRICS = {
    "frechet": (".2f", None),
    "kernel_mean": (".4f", "kernel_sd"),
    "precision": (".3f", None),
    "recall": (".3f", None),
    "density": (".3f", None),
    "coverage": (".3f", None),
    "memorised_share": (".3f", None),
    "classifier_score": (".2f", "classifier_score_sd"),
}


def evaluation_table(results: dict) -> Table:
    """All metrics of each variant; under it its noise floor, where the samples were drawn twice."""
    distance = distance_name(results["feature_net"])
    kernel = "KID" if distance == "FID" else "kernel distance"
    head = (
        "samples of",
        distance,
        kernel,
        "precision",
        "recall",
        "density",
        "coverage",
        "copies",
        "classifier score",
    )
    rows = []
    for name, numbers in results["quality"].items():
        rows.append((name, *(_cell(numbers, key, *how) for key, how in METRICS.items())))
        if floor := results.get("noise_floor", {}).get(name):
            rows.append((f"{name}: noise floor", *(number(floor.get(key), spec) for key, (spec, _) in METRICS.items())))
    real = number(results["train_test_frechet"], ".2f")
    rows.append(("real images: training against test", real, *[""] * (len(METRICS) - 1)))
    return Table(head, tuple(rows), _notes(results, distance), results["command"])


def _cell(numbers: dict, key: str, spec: str, spread: str | None) -> str:
    shown = number(numbers.get(key), spec)
    return shown if spread is None else f"{shown} ± {number(numbers.get(spread), spec)}"


def _notes(results: dict, distance: str) -> tuple[str, ...]:
    notes = [sampled(results["sampling"], results["reference"], results["feature_net"])]
    if distance != "FID":
        notes.append("This is not FID.")
    if results.get("noise_floor"):
        notes.append(
            "The noise floor is how far as many samples of other seeds are apart: differences below it are not "
            "differences."
        )
    notes.append("Copies: the share of samples that are nearer to a training image than 99 % of test images are.")
    return tuple(notes)
