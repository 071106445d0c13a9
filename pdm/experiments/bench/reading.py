"""How long ten thousand photographs take to read, and how much memory: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from pdm.experiments.bench.bench import Bench, Numbers
from pdm.support.paths import ROOT

PHOTOS, SIDE, CLASSES = 10_000, 500, 12  # of the longer side
PROGRAM = """
import json, resource, sys, time
from pdm.data.load import load
started = time.perf_counter()
images = len(load(sys.argv[1], size=64))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"images": images, "seconds": time.perf_counter() - started, "peak_rss_gb": peak}))
"""


def reading(bench: Bench) -> tuple[Numbers, dict]:
    """Seconds and the peak of memory (GB, the libraries included) for class folders of JPEGs to become 64 px."""
    count = bench.pick(PHOTOS, 40)
    with tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda number: _photo(Path(folder), number), range(count)))
        command = [sys.executable, "-c", PROGRAM, folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"reading: expected the photos to be read, got: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    numbers = {f"reading.{name}": found[name] for name in ("seconds", "peak_rss_gb")}
    return numbers, {"photos": count, "side": SIDE, "size": 64, "kept": found["images"]}


def _photo(folder: Path, number: int) -> None:
    """A JPEG of soft shapes and grain, about as large as a photograph of that size."""
    draw = np.random.default_rng(number)
    height = SIDE - int(draw.integers(0, SIDE // 3))
    soft = Image.fromarray(draw.integers(0, 256, (24, 24, 3), dtype=np.uint8)).resize(
        (SIDE, height), Image.Resampling.BICUBIC
    )
    grain = draw.integers(-12, 13, (height, SIDE, 1))
    path = folder / f"class-{number % CLASSES}" / f"{number:05d}.jpg"
    path.parent.mkdir(exist_ok=True)
    Image.fromarray((np.asarray(soft) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=85)
