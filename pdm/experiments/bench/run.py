"""`python -m pdm bench`: the numbers of the README, section by section, each with how it was measured.

The JSON file is flat: "prototypes.used": 64, "speed.batch16_s": 0.6, ...; beside these keys "machine" says where the
first section was measured, "settings" how each of them was, and where, if on another machine, and "command" what
measures all of them. A section that is done is written at once.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import torch

from pdm.experiments.bench.app import app
from pdm.experiments.bench.bars import bar, verdict
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.experiments.bench.browser import click, prototype_map
from pdm.experiments.bench.canvas import canvas
from pdm.experiments.bench.canvas_page import stroke
from pdm.experiments.bench.edits import edits
from pdm.experiments.bench.hostile import hostile
from pdm.experiments.bench.latents import latents
from pdm.experiments.bench.loss import loss
from pdm.experiments.bench.memory import memory
from pdm.experiments.bench.own_pictures import own_pictures
from pdm.experiments.bench.page import page
from pdm.experiments.bench.profile import batch_profile
from pdm.experiments.bench.prototypes import prototype_fidelity, prototypes, published_prototypes
from pdm.experiments.bench.quality import guidance, quality
from pdm.experiments.bench.reading import reading
from pdm.experiments.bench.speed import condition, speed
from pdm.experiments.bench.student import roofline, tune
from pdm.experiments.bench.training import train
from pdm.experiments.bench.visitors import visitors
from pdm.results.versions import VERSIONS, read_results
from pdm.support.checks import some_of
from pdm.support.device import pick_device
from pdm.support.files import write_json

SECTIONS: dict[str, Callable[[Bench], tuple[Numbers, dict]]] = {
    "prototypes": prototypes,
    "paper": published_prototypes,
    "fidelity": prototype_fidelity,
    "quality": quality,
    "guidance": guidance,
    "speed": speed,
    "condition": condition,
    "memory": memory,
    "app": app,
    "loss": loss,
    "edits": edits,
    "map": prototype_map,
    "tune": tune,
    "click": click,
    "roofline": roofline,
    "profile": batch_profile,
    "train": train,
    "latents": latents,
    "visitors": visitors,
    "hostile": hostile,
    "reading": reading,
    "canvas": canvas,
    "invert": own_pictures,
    "stroke": stroke,
    "page": page,
}
BESIDE = {"canvas": ("invert", "stroke")}  # sections that are measured with another

VERSION = VERSIONS["bench"]
NOTES = ("version", "command", "data_set", "machine", "settings")  # the keys that are no measurements


def sections(only: str | None) -> list[str]:
    """The names in "speed,memory" with what is measured beside them, or all; raises ValueError for an unknown one."""
    chosen = list(SECTIONS) if only is None else some_of("--only", only, SECTIONS)
    return list(dict.fromkeys([*chosen, *(beside for name in chosen for beside in BESIDE.get(name, ()))]))


def run(
    path: Path,
    chosen: list[str],
    *,
    assets: Path,
    data_set: str,
    command: str,
    device: str = "auto",
    quick: bool = False,
    minutes: float = 10.0,
) -> str:
    """Run sections, write each to the JSON file when it is done, and return the table of results.

    `command` runs all of them; the file notes it. Raises ValueError for a file that is no earlier bench.
    """
    results = read_results(Path(path), VERSION) or {"version": VERSION}
    bench = Bench(Path(assets), data_set, pick_device(device), quick, minutes)
    here = machine(bench)
    results |= {"command": command, "data_set": bench.trained_on, "machine": results.get("machine", here)}
    elsewhere = {} if here == results["machine"] else {"machine": here}
    for name in chosen:
        print(f"bench: {name}", flush=True)
        numbers, settings = SECTIONS[name](bench)
        results.update(numbers)
        noted = {"quick": quick, "images_seen": bench.images_seen, **elsewhere}
        results.setdefault("settings", {})[name] = settings | noted
        write_json(Path(path), results)
    return table(results)


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
        if key not in NOTES:
            limit, passed = bar(key, results), verdict(key, results)
            wanted = "-" if limit is None else f"{limit[0]} {limit[1]:g}"
            rows.append((key, _shown(value), wanted, "" if limit is None else "pass" if passed else "miss"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(f"{r[0]:<{widths[0]}}  {r[1]:>{widths[1]}}  {r[2]:<{widths[2]}}  {r[3]}".rstrip() for r in rows)


def _shown(value: float | int | None) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
