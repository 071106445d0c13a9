"""A table of results: made once from a file, then written as Markdown for the README, or as HTML for the page."""

from __future__ import annotations

from dataclasses import dataclass

MISSED = "missed"  # in a cell: stands out wherever the table is written


@dataclass(frozen=True)
class Table:
    """Cells as text, row by row, the first one being what the row is about; `notes` are sentences that stand under it.

    `command` is what measured it, as the file has it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    command: str


def markdown(table: Table) -> str:
    lines = [table.head, ("---",) * len(table.head), *table.rows]
    cells = "\n".join("|".join(("", *(f" {_marked(cell)} " for cell in line), "")) for line in lines)
    return f"{cells}\n\n{' '.join(table.notes)} Measured by `{table.command}`.\n".replace("| --- ", "|---")


def _marked(cell: str) -> str:
    return cell.replace(f"({MISSED})", f"(**{MISSED}**)")


def number(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec)


def sampled(sampling: dict, reference: dict, feature_net: str) -> str:
    """How samples were drawn and what they were compared with, as a sentence."""
    return (
        f"{sampling['samples']:,} samples in {sampling['steps']} steps of {sampling['sampler']}, "
        f"guidance {sampling['guidance']:g}, from seed {sampling['seed']} on, against the {reference['images']:,} "
        f"{reference['split']} images, on the features of {feature_net}."
    )
