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
    "app.start_s": ("<=", 12),
    "app.pictures_s": ("<=", 2),
    "app.peak_rss_gb": ("<=", 1.5),
}
# key: the bar where the browser had no graphics card and drew in software
SOFTWARE_BARS = {"map.frame_ms": 66}


def bar(key: str, results: dict) -> tuple[str, float] | None:
    """The bar of a key, None where there is none; some are lower where the browser drew in software."""
    if key not in BARS:
        return None
    side, limit = BARS[key]
    software = results.get("settings", {}).get("map", {}).get("software")
    return side, SOFTWARE_BARS.get(key, limit) if software else limit


def verdict(key: str, results: dict) -> bool:
    """Whether a key that has a bar passes it."""
    (side, limit), value = bar(key, results) or (">=", float("-inf")), results.get(key)
    return value is not None and {">=": value >= limit, "<=": value <= limit, "<": value < limit}[side]
