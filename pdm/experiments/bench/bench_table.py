"""The table of what `python -m pdm bench` measured: how each key is written, and the bar it has to reach."""

from __future__ import annotations

from dataclasses import dataclass

from pdm.experiments.bench.bars import bar, verdict
from pdm.results.table import MISSED, Table

SIGNS = {">=": "≥", "<=": "≤", "<": "<"}


@dataclass(frozen=True)
class Row:
    """A line of the table: keys of bench.json and how each is written."""

    what: str
    keys: tuple[str, ...]
    spec: str = ".2f"
    unit: str = ""


ROWS = (
    Row("prototypes used", ("prototypes.used",), "d"),
    Row("perplexity of their usage", ("prototypes.perplexity",), ".1f"),
    Row("NMI of prototypes with labels", ("prototypes.nmi",)),
    Row("the published objective, K = 64 / K = 15: used", ("paper.k64.used", "paper.k15.used"), "d"),
    Row("pictures from one prototype that f_phi assigns to it: top 1 / top 5", ("fidelity.top1", "fidelity.top5")),
    Row("the same without guidance", ("fidelity.plain_top1", "fidelity.plain_top5")),
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
        "Frechet distance with guidance (the model's own, or 1.5): PDM / RDM as published / RDM, whole memory",
        ("guidance.pdm", "guidance.rdm_top_m_0.01", "guidance.rdm_top_m_1.0"),
    ),
    Row(
        "denoising loss on test images: no condition / nearest prototype / eight prototypes / the image's own feature",
        ("loss.pdm_null", "loss.pdm_nearest", "loss.pdm", "loss.pdm_feature"),
        ".4f",
    ),
    Row("the same for RDM with four neighbours", ("loss.rdm",), ".4f"),
    Row("16 pictures at 10 steps, without guidance", ("speed.batch16_s",), ".2f", " s"),
    Row("the same of EuroSAT, on two cores", ("speed.eurosat16_s",), ".2f", " s"),
    Row("pipeline over bare network calls", ("speed.overhead",), ".3f"),
    Row(
        "speed-up over the published sampler (1000 steps of its 36 M net, extrapolated from 20)",
        ("speed.vs_paper",),
        ".0f",
        "x",
    ),
    Row("sampling's share of the machine's matrix-multiply rate", ("speed.roofline_cpu",)),
    Row(
        "what a batch's time is made of: convolutions / matrices / attention / norms / activations / other operators / "
        "outside of operators",
        tuple(
            f"profile.{kind}"
            for kind in (
                "convolutions",
                "matrices",
                "attention",
                "norms",
                "activations",
                "other_operators",
                "outside_operators",
            )
        ),
        ".0%",
    ),
    Row("a network call with the condition's keys kept, relative to one without", ("profile.kept_keys",)),
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
    Row("training the EuroSAT recipe for two cores", ("train.images_per_s.cpu",), ".0f", " images/s"),
    Row("training the recipe for pictures of 128 px", ("latents.images_per_s",), ".0f", " images/s"),
    Row("16 pictures of 128 px at 10 steps, decoding included", ("latents.batch16_s",), ".2f", " s"),
    Row("one picture of the student: click to pixels on the page", ("speed.click_to_pixels_s",), ".2f", " s"),
    Row("16 visitors asking for four pictures each: one after the other over all at once", ("visitors.batching",)),
    Row(
        "50 visitors with 10 s to think, 95th percentile: four pictures / an edit",
        ("visitors.thinking.generate_p95_s", "visitors.thinking.edit_p95_s"),
        ".2f",
        " s",
    ),
    Row(
        "the same without time to think",
        ("visitors.hurried.generate_p95_s", "visitors.hurried.edit_p95_s"),
        ".2f",
        " s",
    ),
    Row(
        "50 visitors with 10 s to think: errors / leaks / refused clicks and edits",
        tuple(f"visitors.thinking.{key}" for key in ("errors", "leaks", "refused_clicks")),
        "d",
    ),
    Row("10,000 JPEGs of 500 px read to 64 px", ("reading.seconds",), ".1f", " s"),
    Row("the same: peak of memory", ("reading.peak_rss_gb",), ".2f", " GB"),
    Row("test images inverted and painted again in 20 steps: PSNR", ("invert.psnr",), ".1f", " dB"),
    Row(
        "inverted and painted as another prototype: f_phi's top 5 / edges kept, above a fresh picture's",
        ("invert.obeyed", "invert.structure"),
    ),
    Row("half repainted: largest difference of the kept half, in grey values", ("canvas.kept",), "d"),
    Row("kills of commands at random moments", ("hostile.kills",), ",d"),
    Row(
        "the same: lost / torn / doubled / left behind",
        tuple(f"hostile.kills_{kind}" for kind in ("lost", "torn", "doubled", "left")),
        "d",
    ),
    Row("hostile files, read or refused in a line", ("hostile.files",), ",d"),
    Row("the same: tracebacks, or longer than 20 s", ("hostile.files_tracebacks",), "d"),
    Row("raw requests to every public and private event", ("hostile.requests",), ",d"),
    Row(
        "the same: tracebacks on the server / paths or dumps in answers / files read or written / hangs",
        tuple(f"hostile.requests_{kind}" for kind in ("tracebacks", "dumps", "files", "hangs")),
        "d",
    ),
    Row(
        "canvas of 2 to 6 regions: crops whose region's prototype f_phi ranks in its top 5 / the same by chance",
        ("canvas.obeyed", "canvas.chance"),
        ".3f",
    ),
    Row(
        "the same crops that the classifier puts into the region's majority class / whole pictures / lost",
        ("canvas.class_obeyed", "canvas.class_whole", "canvas.class_lost"),
        ".3f",
    ),
    Row(
        "the same through windows: f_phi / the classifier",
        ("canvas.windows.obeyed", "canvas.windows.class_obeyed"),
        ".3f",
    ),
    Row("the same with the net on the whole canvas", ("canvas.whole.obeyed", "canvas.whole.class_obeyed"), ".3f"),
    Row(
        "gradient energy across the borders of windows, relative to elsewhere: at least / at most",
        ("canvas.seams", "canvas.seams_most"),
    ),
    Row("a canvas of 4 x 4 pictures at 10 steps / 16 pictures", ("canvas.full_s", "canvas.pictures_s"), ".2f", " s"),
    Row("the same as a ratio", ("canvas.full_ratio",)),
    Row("such a canvas by the student in two steps", ("canvas.sketch_s",), ".2f", " s"),
    Row(
        "a stroke on a canvas of 256 x 256 to its sketch on the page: quick / of a second",
        ("canvas.stroke_s", "canvas.slow_stroke_s"),
        ".2f",
        " s",
    ),
    Row("a canvas of 1024 x 1024: peak memory above idle", ("canvas.peak_mb",), ".0f", " MB"),
    Row(
        "a first visit, app warm: address typed to a picture in view / to something moving",
        ("page.picture_s", "page.moving_s"),
        ".2f",
        " s",
    ),
    Row("the same: what comes over the wire", ("page.first_mb",), ".1f", " MB"),
    Row("the same: layout shift", ("page.layout_shift",), ".3f"),
    Row("a pick / a moved weight to eight new pictures", ("page.pick_s", "page.weight_s"), ".2f", " s"),
    Row("on a phone: a tap on a star to its pictures in view", ("page.tap_s",), ".2f", " s"),
    Row("the map after 200 steps of wheel, pinch and Fit is not as it was", ("page.fit_lost",), "d"),
)

SHORT = {
    "quality.pdm",
    "quality.rdm_top_m_0.01",
    "quality.rdm_top_m_1.0",
    "quality.unconditional",
    "guidance.pdm",
    "fidelity.top1",
    "speed.batch16_s",
    "speed.student16_s",
    "memory.pdm_bytes",
    "edits.efficacy.moved",
    "edits.preview_s",
}  # the first keys of the rows that stand in the README as well


def short_table(results: dict) -> Table:
    """The rows of `bench_table` that say most, without the bars."""
    whole = bench_table(results, tuple(row for row in ROWS if row.keys[0] in SHORT))
    return Table(whole.head[:2], tuple(row[:2] for row in whole.rows), whole.notes, whole.command)


def bench_table(results: dict, rows: tuple[Row, ...] = ROWS) -> Table:
    """What, measured, and the bar where there is one, with every miss marked; rows of sections that ran."""
    run = [row for row in rows if set(row.keys) & set(results)]
    lines = tuple((row.what, _measured(row, results), _bars(row, results)) for row in run)
    sections = {key.partition(".")[0] for row in run for key in row.keys}
    notes = _machines(results, sections)
    if seen := _seen(results, sections):
        notes.append(f"The model had seen {seen} images in training then.")
    return Table(("what", "measured", "bar"), lines, tuple(notes), results["command"])


def _machines(results: dict, sections: set[str]) -> list[str]:
    """Where the sections were measured; which ones, where there are several machines."""
    places: dict[str, list[str]] = {}
    for name, entry in results["settings"].items():
        if name in sections:
            places.setdefault(_place(entry.get("machine", results["machine"])), []).append(name)
    if len(places) < 2:
        return [f"{place}." for place in places or [_place(results["machine"])]]
    return [f"{place}: {', '.join(names)}." for place, names in places.items()]


def _place(machine: dict) -> str:
    return f"On {machine['cpu']} ({machine['device']}, {machine['threads']} threads), {machine['precision']}"


def _seen(results: dict, sections: set[str]) -> str:
    """How many images the model had seen when these sections were measured; which ones, where they differ."""
    counts: dict[int, list[str]] = {}
    for name, entry in results["settings"].items():
        if name in sections and entry.get("images_seen"):
            counts.setdefault(entry["images_seen"], []).append(name)
    if len(counts) < 2:
        return "".join(f"{count:,}" for count in counts)
    parts = (f"{count:,} ({', '.join(names)})" for count, names in sorted(counts.items()))
    return " or ".join(parts)


def passed_and_barred(results: dict) -> tuple[int, int]:
    """How many measurements reach their bar, of how many that have one."""
    barred = [key for row in ROWS for key in row.keys if bar(key, results) and results.get(key) is not None]
    return sum(verdict(key, results) for key in barred), len(barred)


def _measured(row: Row, results: dict) -> str:
    values = [results.get(key) for key in row.keys]
    return " / ".join("not measured" if v is None else f"{v:{row.spec}}{row.unit}" for v in values)


def _bars(row: Row, results: dict) -> str:
    said = [_bar(key, row.unit, results) for key in row.keys]
    return " / ".join(said) if any(bar(key, results) for key in row.keys) else ""


def _bar(key: str, unit: str, results: dict) -> str:
    """One bar, with a mark where what was measured misses it."""
    limit = bar(key, results)
    if limit is None:
        return "–"
    missed = results.get(key) is not None and not verdict(key, results)
    return f"{SIGNS[limit[0]]} {limit[1]:g}{unit}" + (f" ({MISSED})" if missed else "")
