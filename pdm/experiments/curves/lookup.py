"""What finding a condition costs, by the size of RDM's memory and its index, beside PDM's prototypes.

The memory holds embeddings of random views of the training images: as many different ones as are asked for, with the
distribution of the real ones. Each row is measured by a process of its own, so that its peak of RAM is its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from pdm.data.augment import view
from pdm.data.images import to_unit
from pdm.evaluation.drawing import seeded
from pdm.experiments.curves.curve import Curve, Lab
from pdm.experiments.curves.lookup_worker import NEIGHBOURS, QUERIES
from pdm.model.encoders import encoder_name
from pdm.model.features import unit
from pdm.retrieval.build import build, check_settings
from pdm.retrieval.faiss_index import expected_bytes
from pdm.retrieval.large_memory import CARD, ROWS
from pdm.support.paths import ROOT
from pdm.support.timing import timed

ENTRIES = (10_000, 100_000, 1_000_000)
QDRANT_UP_TO = 100_000  # what its embedded mode is for
ON_PAPER = 10_000_000
INDEXES = ("exact", "hnsw", "ivf")  # the exact one first: recall is counted against it


def lookup(lab: Lab) -> Curve:
    """Milliseconds to find one condition, recall, and bytes, for each index and size."""
    bench, folder = lab.bench, lab.scratch
    sizes = (300, 600) if bench.quick else ENTRIES
    points = [{"what": "prototypes", "entries": bench.pdm.bank.count}]
    for entries in sizes:
        names = (*INDEXES, "qdrant") if entries <= QDRANT_UP_TO else INDEXES
        points += [{"what": name, "entries": entries} for name in names]
    points += [{"what": name, "entries": ON_PAPER} for name in INDEXES]
    settings = {
        "model": bench.assets.name,
        "memory": "embeddings of random views of training images, drawn with replacement",
        "dim": bench.rdm.memory.dim,
        "data_hash": bench.train.hash(),
        "encoder": encoder_name(bench.rdm.encoder, bench.rdm.config.clip),
        "neighbours": NEIGHBOURS,
        "queries": bench.pick(1000, 20),
        "ms": "median over single queries: the search and the vectors found",
        "recall": f"recall@{NEIGHBOURS} against the exact index",
        "disk_bytes": "embeddings as float16, and the index where it is kept",
        "seed": lab.seed,
    }

    def measure(point: dict) -> dict:
        if point["what"] == "prototypes":
            return _prototypes(lab)
        if point["entries"] == ON_PAPER:
            return _on_paper(point["what"], settings["dim"])
        _make_memory(lab, folder, max(sizes), settings)
        return _in_a_process(folder, **point)

    def summary(rows: list[dict]) -> dict:
        return {"peak_rss_bytes": max((row.get("peak_rss_bytes", 0) for row in rows), default=0)}

    return Curve(settings, points, measure, summary, lambda: shutil.rmtree(folder, ignore_errors=True))


def _prototypes(lab: Lab) -> dict:
    """As in the benchmark: a row of the table, drawn for one picture."""
    pipeline, generators = lab.bench.pdm, seeded(0, 1)
    took = timed(lambda: pipeline.condition(generators), torch.device("cpu"), repeats=lab.bench.pick(300, 5), warmup=5)
    kept = pipeline.bank.bytes_kept
    return {
        "ms": round(1000 * took.median, 4),
        "recall": None,
        "ram_bytes": kept,
        "disk_bytes": kept,
        "measured": True,
    }


def _on_paper(what: str, dim: int) -> dict:
    """Bytes by counting; neither time nor recall can be counted."""
    index = expected_bytes(what, ON_PAPER, dim)
    disk = 2 * dim * ON_PAPER + (0 if what == "exact" else index)
    return {"ms": None, "recall": None, "ram_bytes": index, "disk_bytes": disk, "measured": False}


def _make_memory(lab: Lab, folder: Path, entries: int, settings: dict) -> None:
    """The largest memory, of which the smaller ones are the first rows, and the queries: views of test images."""
    if (folder / CARD).is_file():
        return
    check_settings(folder, settings | {"entries": entries})
    bench = lab.bench

    def views(images: torch.Tensor, number: int, count: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(lab.seed * 1_000_003 + number)
        rows = torch.randint(len(images), (count,), generator=generator)
        return unit(bench.rdm.embedder.embed(view(to_unit(images[rows]), generator)))

    def embed(start: int) -> Iterator[torch.Tensor]:
        for number in range(start // ROWS, -(-entries // ROWS)):
            yield torch.cat([views(bench.train.images, 1 + 16 * number + part, ROWS // 16) for part in range(16)])

    def report(what: str, step: int, of: int, loss: float) -> None:
        print(f"curves: lookup, {step} of {of} embeddings", flush=True)

    queries = views(bench.test.images, 0, settings["queries"])
    np.save(folder / QUERIES, queries.numpy(), allow_pickle=False)
    build(folder, {"encoder": "views"}, embed, limit=entries, neighbours=0, index="exact", report=report)


def _in_a_process(folder: Path, what: str, entries: int) -> dict:
    """The row that `lookup_worker` measures; raises ValueError with what it said where it fails."""
    command = [sys.executable, "-m", "pdm.experiments.curves.lookup_worker", str(folder.resolve()), what, str(entries)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise ValueError(f"lookup, {what} of {entries}: expected a row, got: {said}")
    return json.loads(done.stdout.splitlines()[-1])
