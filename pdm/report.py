"""The README's table of results, made from the JSON file that `python -m pdm bench` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pdm.bench import bar, verdict
from pdm.files import atomic_file

SIGNS = {">=": "≥", "<=": "≤", "<": "<"}
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->"


@dataclass(frozen=True)
class Row:
    """A line of the table: keys of bench.json and how each is written."""

    what: str
    keys: tuple[str, ...]
    spec: str = ".2f"
    unit: str = ""


ROWS = (
    Row("prototypes used of 64", ("prototypes.used",), "d"),
    Row("perplexity of their usage", ("prototypes.perplexity",), ".1f"),
    Row("NMI of prototypes with labels", ("prototypes.nmi",)),
    Row("the published objective, K = 64 / K = 15: used", ("paper.k64.used", "paper.k15.used"), "d"),
    Row(
        "pictures from one prototype that f_phi assigns to it: top 1 / top 5 of 64", ("fidelity.top1", "fidelity.top5")
    ),
    Row("Frechet distance: PDM", ("quality.pdm",)),
    Row("Frechet distance: RDM as published, queries from the top 1 % of its memory", ("quality.rdm_top_m_0.01",)),
    Row("Frechet distance: RDM, queries from its whole memory", ("quality.rdm_top_m_1.0",)),
    Row("Frechet distance: unconditional branch", ("quality.unconditional",)),
    Row(
        "noise floor (two halves of PDM's samples) / training against test images",
        ("quality.noise_floor", "quality.train_test"),
    ),
    Row("PDM relative to the unconditional branch", ("quality.pdm_over_unconditional",)),
    Row(
        "PDM relative to RDM: as published / from the whole memory",
        ("quality.pdm_over_rdm", "quality.pdm_over_rdm_whole"),
    ),
    Row(
        "denoising loss on test images: no condition / nearest prototype / eight prototypes / the image's own feature",
        ("loss.pdm_null", "loss.pdm_nearest", "loss.pdm", "loss.pdm_feature"), ".4f",
    ),
    Row("the same for RDM with four neighbours", ("loss.rdm",), ".4f"),
    Row("16 pictures at 10 steps, without guidance (the default)", ("speed.batch16_s",), ".2f", " s"),
    Row("pipeline over bare network calls", ("speed.overhead",), ".3f"),
    Row(
        "speed-up over the published sampler (1000 steps of its 36 M net, extrapolated from 20)", ("speed.vs_paper",),
        ".0f", "x",
    ),
    Row("sampling's share of the machine's matrix-multiply rate", ("speed.roofline_cpu",)),
    Row("finding the condition: PDM / RDM", ("condition.pdm_ms", "condition.rdm_ms"), ".2f", " ms"),
    Row("bytes kept on disk: PDM / RDM", ("memory.pdm_bytes", "memory.rdm_bytes"), ",d"),
    Row("RDM's bytes over PDM's", ("memory.rdm_over_pdm",), ".0f"),
    Row("start of `app.py` to the first answer / then to 16 pictures", ("app.start_s", "app.pictures_s"), ".1f", " s"),
    Row("peak memory of the app", ("app.peak_rss_gb",), ".2f", " GB"),
    Row(
        "edits obeyed (f_phi ranks the edited prototype in its top 5): moved / added / merged / blended",
        tuple(f"edits.efficacy.{kind}" for kind in ("moved", "added", "merged", "blended")),
    ),
    Row("the same by chance", ("edits.efficacy.chance",)),
    Row("along a blend: pictures leave A and near B (Spearman's rho, 50 pairs)", ("edits.blend_rho",)),
    Row("untouched prototypes that paint the same bits after an edit", ("edits.locality",), ".1f"),
    Row("an edit itself", ("edits.op_ms",), ".1f", " ms"),
    Row("a dragged star released to eight new pictures on the page", ("edits.preview_s",), ".2f", " s"),
    Row("growth of the server's memory in 1,000 edits", ("edits.mb_per_1000",), ".1f", " MB"),
    Row("map of 60,000 points: first paint", ("map.paint_s",), ".2f", " s"),
    Row("map of 60,000 points: a frame while panning or hovering", ("map.frame_ms",), ".0f", " ms"),
    Row(
        "Frechet distance of the student at 1 / 2 / 4 steps",
        tuple(f"tune.frechet_{n}_steps" for n in (1, 2, 4)),
    ),
    Row("Frechet distance of its teacher at 18 steps", ("tune.teacher_frechet",)),
    Row("the student at 2 steps relative to its teacher at 18", ("tune.two_step_ratio",)),
    Row("pictures of the student at 2 steps that f_phi puts in the top 5", ("tune.fidelity_top5",)),
    Row("16 pictures of the student at 2 steps", ("speed.student16_s",), ".2f", " s"),
    Row("one picture of the student: click to pixels on the page", ("speed.click_to_pixels_s",), ".2f", " s"),
)  # fmt: skip


def table(results: dict) -> str:
    """Markdown: what, measured, and the bar where there is one, with every miss marked."""
    lines = ["| what | measured | bar |", "|---|---|---|"]
    for row in ROWS:
        values = [results.get(key) for key in row.keys]
        shown = ["not measured" if v is None else f"{v:{row.spec}}{row.unit}" for v in values]
        lines.append(f"| {row.what} | {' / '.join(shown)} | {_bars(row, results)} |")
    return "\n".join(lines) + "\n"


def _bars(row: Row, results: dict) -> str:
    said = [_bar(key, row.unit, results) for key in row.keys]
    return " / ".join(said) if any(bar(key, results) for key in row.keys) else ""


def _bar(key: str, unit: str, results: dict) -> str:
    """One bar, with a mark where what was measured misses it."""
    limit = bar(key, results)
    if limit is None:
        return "–"
    missed = results.get(key) is not None and not verdict(key, results)
    return f"{SIGNS[limit[0]]} {limit[1]:g}{unit}" + (" (**missed**)" if missed else "")


def write_report(readme: Path, bench: Path) -> None:
    """Put the table into a README between its two marks; raises ValueError where they are not there."""
    text = Path(readme).read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme}: expected the lines {BEGIN.strip()} and {END}, got a file without them")
    results = _results(Path(bench))
    with atomic_file(Path(readme)) as part:
        part.write_text(before + begin + table(results) + end + after)


def _results(path: Path) -> dict:
    try:
        results = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a file of python -m pdm bench, got: {error}") from error
    if not isinstance(results, dict):
        raise ValueError(f"{path}: expected a file of python -m pdm bench, got {type(results).__name__}")
    return results
