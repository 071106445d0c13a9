"""The bars that measurements have to reach, and whether they do."""

from __future__ import annotations

# key: (the side of the bar a pass is on, the bar)
BARS: dict[str, tuple[str, float]] = {
    "prototypes.used": (">=", 64),
    "prototypes.perplexity": (">=", 50),
    "prototypes.nmi": (">=", 0.48),
    "fidelity.top1": (">=", 0.60),
    "fidelity.top5": (">=", 0.95),
    "quality.pdm_over_unconditional": ("<", 1.0),
    "quality.pdm_over_rdm": ("<", 1.1),
    "quality.pdm_over_rdm_whole": ("<", 1.1),
    "speed.batch16_s": ("<=", 1.5),
    "speed.overhead": ("<=", 1.05),
    "speed.vs_paper": (">=", 700),
    "memory.rdm_over_pdm": (">=", 100),
    "edits.efficacy.moved": (">=", 0.95),
    "edits.efficacy.added": (">=", 0.95),
    "edits.efficacy.merged": (">=", 0.90),
    "edits.efficacy.blended": (">=", 0.90),
    "edits.blend_rho": (">=", 0.9),
    "edits.locality": (">=", 1.0),
    "edits.op_ms": ("<=", 5),
    "edits.preview_s": ("<=", 0.3),
    "edits.mb_per_1000": ("<=", 5),
    "map.paint_s": ("<=", 2),
    "map.frame_ms": ("<=", 33),
    "tune.two_step_ratio": ("<=", 1.5),
    "tune.fidelity_top5": (">=", 0.85),
    "speed.student16_s": ("<=", 0.2),
    "speed.click_to_pixels_s": ("<=", 0.3),
    "speed.roofline_cpu": (">=", 0.35),
    "speed.roofline_gpu": (">=", 0.35),
    "train.images_per_s.32": (">=", 12_000),
    "train.images_per_s.64": (">=", 4_000),
    "train.images_per_s.cpu": (">=", 40),
    "latents.images_per_s": (">=", 150),
    "latents.batch16_s": ("<=", 1.5),
    "app.start_s": ("<=", 12),
    "app.pictures_s": ("<=", 2),
    "app.peak_rss_gb": ("<=", 1.5),
    "visitors.batching": (">=", 1.8),
    "visitors.thinking.errors": ("<=", 0),
    "visitors.thinking.leaks": ("<=", 0),
    "visitors.thinking.refused_clicks": ("<=", 0),
    "visitors.thinking.generate_p95_s": ("<=", 8),
    "visitors.thinking.edit_p95_s": ("<=", 0.3),
    "reading.seconds": ("<=", 25),
    "reading.peak_rss_gb": ("<=", 1),
    "invert.psnr": (">=", 30),
    "invert.obeyed": (">=", 0.8),
    "invert.structure": (">=", 0.3),
    "canvas.kept": ("<=", 2),
    "hostile.kills": (">=", 200),
    "hostile.kills_lost": ("<=", 0),
    "hostile.kills_torn": ("<=", 0),
    "hostile.kills_doubled": ("<=", 0),
    "hostile.kills_left": ("<=", 0),
    "hostile.files": (">=", 2000),
    "hostile.files_tracebacks": ("<=", 0),
    "hostile.requests": (">=", 2000),
    "hostile.requests_tracebacks": ("<=", 0),
    "hostile.requests_dumps": ("<=", 0),
    "hostile.requests_files": ("<=", 0),
    "hostile.requests_hangs": ("<=", 0),
    "canvas.obeyed": (">=", 0.85),
    "canvas.class_lost": ("<=", 0.1),
    "canvas.seams": (">=", 0.95),
    "canvas.seams_most": ("<=", 1.05),
    "canvas.full_ratio": ("<=", 1.1),
    "canvas.sketch_s": ("<=", 0.5),
    "canvas.stroke_s": ("<=", 0.6),
    "canvas.slow_stroke_s": ("<=", 0.6),
    "canvas.peak_mb": ("<=", 800),
    "page.picture_s": ("<=", 2),
    "page.moving_s": ("<=", 4),
    "page.first_mb": ("<=", 4),
    "page.layout_shift": ("<=", 0.05),
    "page.pick_s": ("<=", 0.3),
    "page.weight_s": ("<=", 0.3),
    "page.tap_s": ("<=", 0.5),
    "page.fit_lost": ("<=", 0),
}
Bar = tuple[str, float] | None
OF_COLOUR: dict[str, Bar] = {  # in the place of those above, which are for Fashion-MNIST; None: no bar
    "fidelity.top1": None,
    "fidelity.top5": (">=", 0.80),
    "quality.pdm_over_rdm": ("<", 1.0),
    "quality.pdm_over_rdm_whole": ("<", 1.0),
    "speed.batch16_s": None,
    "speed.vs_paper": None,
}
# data set: bars of the models that were trained on it
OF_DATA_SET: dict[str, dict[str, Bar]] = {
    "eurosat": OF_COLOUR
    | {
        "prototypes.perplexity": (">=", 0.6 * 64),
        "prototypes.nmi": (">=", 0.45),
        "speed.eurosat16_s": ("<=", 2),
        "invert.psnr": (">=", 28),
    },
    "cifar10": OF_COLOUR
    | {
        "prototypes.used": (">=", 128),
        "prototypes.perplexity": (">=", 0.6 * 128),
        "prototypes.nmi": (">=", 0.20),
    },
    "emoji": OF_COLOUR
    | {
        "prototypes.used": (">=", 128),
        "prototypes.perplexity": (">=", 0.7 * 128),
        "prototypes.nmi": None,  # its classes are of what is meant, not of what is seen
        "fidelity.top5": (">=", 0.95),
        "canvas.seams": None,  # a mosaic has none
        "canvas.seams_most": None,
    },
}
# key: the bar where the browser had no graphics card and drew in software
SOFTWARE_BARS = {"map.frame_ms": 66}


def bar(key: str, results: dict) -> Bar:
    """The bar of a key, None where there is none; some depend on the data set, or on whether the browser had a GPU."""
    of_data = OF_DATA_SET.get(results.get("data_set") or "", {})
    found = of_data.get(key, BARS.get(key))
    if found is None:
        return None
    side, limit = found
    software = results.get("settings", {}).get("map", {}).get("software")
    return side, SOFTWARE_BARS.get(key, limit) if software else limit


def verdict(key: str, results: dict) -> bool:
    """Whether a key that has a bar passes it."""
    (side, limit), value = bar(key, results) or (">=", float("-inf")), results.get(key)
    return value is not None and {">=": value >= limit, "<=": value <= limit, "<": value < limit}[side]
