"""`python -m pdm bench`: the numbers of the README, section by section, each with how it was measured.

The JSON file is flat: "prototypes.used": 64, "speed.batch16_s": 0.6, ...; beside these keys "machine" says where,
and "settings" how each section was measured. A section that is done is written at once.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch

from pdm.bench_browser import click, prototype_map
from pdm.bench_edits import edits
from pdm.bench_loss import loss
from pdm.bench_sections import SECTIONS as CORE
from pdm.bench_sections import Bench
from pdm.bench_student import roofline, tune
from pdm.bench_train import train
from pdm.device import pick_device
from pdm.files import write_json

SECTIONS = CORE | {
    "loss": loss,
    "edits": edits,
    "map": prototype_map,
    "tune": tune,
    "click": click,
    "roofline": roofline,
    "train": train,
}

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
    "speed.overhead": ("<=", 1.10),
    "speed.vs_paper": (">=", 700),
    "memory.rdm_over_pdm": (">=", 100),
    "edits.efficacy.moved": (">=", 0.95),
    "edits.efficacy.added": (">=", 0.95),
    "edits.efficacy.merged": (">=", 0.90),
    "edits.efficacy.blended": (">=", 0.90),
    "edits.blend_rho": (">=", 0.9),
    "edits.locality": (">=", 1.0),
    "edits.op_ms": ("<=", 5),
    "edits.preview_s": ("<=", 1.0),
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
    "app.start_s": ("<=", 15),
    "app.pictures_s": ("<=", 4),
    "app.peak_rss_gb": ("<=", 1.5),
}
# key: the bar where the browser had no graphics card and drew in software
SOFTWARE_BARS = {"map.frame_ms": 66}


def sections(only: str | None) -> list[str]:
    """The names in "speed,memory", or all, and no section for "none"; raises ValueError for an unknown one."""
    if only == "none":
        return []
    chosen = [name.strip() for name in only.split(",")] if only else list(SECTIONS)
    for name in chosen:
        if name not in SECTIONS:
            raise ValueError(f"--only: expected some of {', '.join(SECTIONS)}, got {name!r}")
    return chosen


def run(
    path: Path, chosen: list[str], *, assets: Path, data_set: str, device: str = "auto", quick: bool = False
) -> str:
    """Run sections, write each to the JSON file when it is done, and return the table of results."""
    results = _existing(Path(path))
    bench = Bench(Path(assets), data_set, pick_device(device), quick)
    for name in chosen:
        print(f"bench: {name}", flush=True)
        numbers, settings = SECTIONS[name](bench)
        results.update(numbers)
        results.setdefault("settings", {})[name] = settings | {"quick": quick}
        results["machine"] = machine(bench)
        write_json(Path(path), results)
    return table(results)


def _existing(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"--json {path}: expected a new file or one of an earlier bench, got: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"--json {path}: expected a new file or one of an earlier bench, got {type(values).__name__}")
    return values


def machine(bench: Bench) -> dict:
    """What the numbers were measured on."""
    return {
        "cpu": _cpu_model(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if bench.device.type == "cuda" else bench.device.type,
        "precision": str(bench.dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def table(results: dict) -> str:
    """Results as aligned lines: key, value, bar, pass or miss."""
    rows = [("key", "value", "bar", "")]
    for key, value in results.items():
        if not isinstance(value, dict):
            limit, passed = bar(key, results), verdict(key, results)
            said = ("-", "") if limit is None else (f"{limit[0]} {limit[1]:g}", "pass" if passed else "miss")
            rows.append((key, _shown(value), *said))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(f"{r[0]:<{widths[0]}}  {r[1]:>{widths[1]}}  {r[2]:<{widths[2]}}  {r[3]}".rstrip() for r in rows)


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


def _shown(value: float | int | None) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
