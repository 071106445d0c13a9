"""The ablation's results as a table of aligned lines."""

from __future__ import annotations

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


def table(results: dict) -> str:
    """A line a row, the mean over its seeds; "=" marks what differs from the default by less than the noise floor."""
    lines = [("row", "seeds", *(title for title, _ in COLUMNS.values()), "what it is")]
    for name, entry in results["rows"].items():
        cells = [_cell(entry, metric, spec) for metric, (_, spec) in COLUMNS.items()]
        lines.append((name, str(len(entry["seeds"])), *cells, entry["what"]))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: tuple[str, ...], widths: list[int]) -> str:
    name, *cells, what = line
    return "  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True)), what])


def _cell(entry: dict, metric: str, spec: str) -> str:
    value = entry["numbers"].get(metric)
    if value is None:
        return "-"
    same = entry.get("differs", {}).get(metric) is False
    return ("=" if same else "") + format(value, spec)
