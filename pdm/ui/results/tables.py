"""Tables of results as HTML that scrolls sideways in its box, and what is shown if there is no table."""

from __future__ import annotations

from html import escape

from pdm.experiments.ablation.ablation_table import SAME
from pdm.results.shapes import KINDS, SHIPPED
from pdm.results.table import MISSED, Table


def table_html(table: Table, title: str, folded: str = "") -> str:
    """A table with its caption; if `folded` is given, both are hidden behind that line until it is clicked."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in table.rows)
    label = escape(f"{title}, table")
    box = (
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    made = f'<figure class="measured">{box}{caption(title, " ".join(table.notes), table.command)}</figure>'
    return f'<details class="folded"><summary>{escape(folded)}</summary>{made}</details>' if folded else made


def caption(title: str, text: str, command: str) -> str:
    return (
        f"<figcaption><b>{escape(title)}.</b> {escape(text)} "
        f"<small>Measured by <code>{escape(command)}</code></small></figcaption>"
    )


def not_measured(missing: dict[str, str], model: str) -> str:
    """How to measure what is missing, by its name and with its title, behind a line that can be clicked."""
    if not missing:
        return ""
    rows = "".join(f"<li><b>{escape(title)}</b> {_measure(name, model)}</li>" for name, title in missing.items())
    line = f"Not measured for this model yet: {len(missing)}"
    return f'<details class="folded"><summary>{line}</summary><ul class="hint">{rows}</ul></details>'


def _measure(name: str, model: str) -> str:
    kind = KINDS[name]
    return (
        f"<code>{escape(kind.command(model))}</code> does it; "
        f"{escape(kind.file)} then belongs into assets/{SHIPPED}/{escape(model)}/."
    )


def unreadable(error: ValueError, folder: str) -> str:
    """An error in one line, without the folder's path on the server."""
    return f'<p class="hint" role="alert">{escape(str(error).replace(folder, "").lstrip("/"))}</p>'


def values_table(rows: list[dict], command: str) -> Table:
    """The rows of a curve, one column for each key."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(_value(row.get(key)) for key in keys) for row in rows)
    return Table(tuple(key.replace("_", " ") for key in keys), cells, (), command)


def _row(row: tuple[str, ...]) -> str:
    first, *rest = row
    return f'<th scope="row">{escape(first)}</th>' + "".join(_cell(cell) for cell in rest)


def _cell(cell: str) -> str:
    text = escape(cell).replace(f"({MISSED})", f"<strong>{MISSED}</strong>")
    kind = "same" if cell.startswith(SAME) else "words" if cell[:1].isalpha() else ""
    return f'<td class="{kind}">{text}</td>'


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
