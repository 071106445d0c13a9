"""The ablation's results as a table, and that table as aligned lines."""

from __future__ import annotations

from pdm.experiments.ablation.rows import DEFAULT
from pdm.results.shapes import distance_name
from pdm.results.table import Table, number, sampled

COLUMNS = {
    "frechet": ("Frechet", ".2f"),
    "kernel_mean": ("kernel", ".4f"),
    "classifier_score": ("score", ".2f"),
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "density": ("density", ".3f"),
    "coverage": ("coverage", ".3f"),
    "memorised_share": ("copies", ".3f"),
    "fidelity_top1": ("top 1", ".2f"),
    "prototypes_used": ("used", ".0f"),
    "nmi": ("NMI", ".2f"),
}
SAME = "="  # before a number that differs from the default's by less than the noise floor


def ablation_table(results: dict) -> Table:
    """A row for each variant, the mean over its seeds."""
    return Table(_head(results), tuple(_rows(results)), tuple(_notes(results)), results["command"])


def table(results: dict) -> str:
    """The rows as aligned lines."""
    lines = [("row", "seeds", *(title for title, _ in COLUMNS.values()), "what it is"), *_rows(results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: tuple[str, ...], widths: list[int]) -> str:
    name, *cells, what = line
    return "  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True)), what])


def _head(results: dict) -> tuple[str, ...]:
    titles = {name: title for name, (title, _) in COLUMNS.items()}
    if distance_name(results["settings"]["feature_net"]) == "FID":
        titles |= {"frechet": "FID", "kernel_mean": "KID"}
    return ("row", "seeds", *titles.values(), "what it is")


def _rows(results: dict) -> list[tuple[str, ...]]:
    return [
        (
            name,
            str(len(entry["seeds"])),
            *(_cell(entry, m, spec, marked=name != DEFAULT) for m, (_, spec) in COLUMNS.items()),
            entry["what"],
        )
        for name, entry in results["rows"].items()
    ]


def _cell(entry: dict, metric: str, spec: str, marked: bool) -> str:
    same = marked and entry.get("differs", {}).get(metric) is False and entry["numbers"].get(metric) is not None
    return (SAME if same else "") + number(entry["numbers"].get(metric), spec)


def _notes(results: dict) -> list[str]:
    settings, floor = results["settings"], (results["noise_floor"] or {}).get("frechet")
    notes = [
        f"Each row: the net {settings['net']} after {settings['optimiser']['images']:,} images.",
        sampled(settings["sampling"], settings["reference"], settings["feature_net"]),
    ]
    if distance_name(settings["feature_net"]) != "FID":
        notes.append("This is not FID.")
    if floor is not None:
        notes.append(
            f"The noise floor is how far the seeds of a row are apart (Frechet {floor:.2f} for {DEFAULT}): differences "
            f"below it are not differences, and such numbers are marked {SAME}."
        )
    usual = settings.get("precision")
    precisions = {name: entry.get("precision", usual) for name, entry in results["rows"].items()}
    for other in sorted(set(precisions.values()) - {usual}):
        named = ", ".join(name for name, precision in precisions.items() if precision == other)
        notes.append(f"Learned and painted in {other}, the others in {usual}: {named}.")
    return notes
