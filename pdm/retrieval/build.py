"""Build a large memory from a stream: files of embeddings, then of neighbours. A build that was stopped can go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from pdm.model.features import unit
from pdm.retrieval.large_memory import (
    CARD,
    EMBEDDINGS,
    NEIGHBOURS,
    ROWS,
    VERSION,
    LargeMemory,
    digest_of,
    mapped,
    write_rows,
)
from pdm.support.files import as_json, read_json, write_json
from pdm.support.leftovers import is_free

SETTINGS = "settings.json"  # written first: what the files that are there were made with

Embed = Callable[[int], Iterator[torch.Tensor]]  # from a row on: embeddings (n, E) of the next n rows, again and again
Report = Callable[[str, int, int, float], None]  # what, step, of, loss


def check_settings(folder: Path, settings: dict) -> None:
    """Begin a build with these settings, or go on with it; raises ValueError where another one was begun."""
    path = folder / SETTINGS
    if not path.exists():
        if not is_free(folder):
            raise ValueError(f"{folder}: expected a new or empty folder, or a memory begun in it with --stream")
        write_json(path, settings)
        return
    try:
        there = read_json(path)
        other = [name for name, value in as_json(settings).items() if there.get(name) != value]
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: expected settings as JSON, got: {error}; choose another folder") from error
    if other:
        raise ValueError(
            f"{folder}: expected a memory of these settings, got one of others ({', '.join(other)}); "
            "choose another folder, or the same options"
        )


def write_embeddings(folder: Path, embed: Embed, limit: int, report: Report) -> int:
    """Write the embeddings of a stream's first `limit` rows, in files of ROWS; returns how many there are.

    Files that are there are kept, and `embed` is asked for the rows after them. Raises ValueError for fewer than
    two rows.
    """
    files = mapped(folder, EMBEDDINGS)
    number, done = len(files), sum(map(len, files))
    if done == number * ROWS and done < limit:  # a shorter last file ends the stream
        waiting = torch.empty(0)
        for embeddings in embed(done):
            waiting = torch.cat([waiting, embeddings]) if len(waiting) else embeddings
            while len(waiting) >= min(ROWS, limit - done) > 0:
                rows, waiting = waiting[: min(ROWS, limit - done)], waiting[ROWS:]
                done += _write(folder, number, rows)
                number += 1
                report("embedding", done, limit, 0.0)
            if done == limit:
                break
        else:
            done += _write(folder, number, waiting) if len(waiting) else 0
    if done < 2:
        raise ValueError(f"memory: expected at least 2 images, got {done}")
    return done


def _write(folder: Path, number: int, rows: torch.Tensor) -> int:
    if not torch.isfinite(rows).all():
        raise ValueError(f"memory: expected finite embeddings, got others in rows {number * ROWS} and on")
    write_rows(folder, EMBEDDINGS, number, unit(rows).half().numpy())
    return len(rows)


def write_neighbours(memory: LargeMemory, k: int, report: Report) -> None:
    """Write the k nearest other entries of every entry, file by file, from the first file that is missing."""
    k = min(k, len(memory) - 1)
    for number in range(len(mapped(memory.folder, NEIGHBOURS)), len(memory.files)):
        start = number * ROWS
        stop = min(start + ROWS, len(memory))
        ids = memory.neighbours_of(torch.from_numpy(memory.rows(start, stop)), torch.arange(start, stop), k)
        write_rows(memory.folder, NEIGHBOURS, number, ids.numpy().astype(np.int32))
        report("neighbours", stop, len(memory), 0.0)


def build(folder: Path, about: dict, embed: Embed, *, limit: int, neighbours: int, index: str, report: Report) -> None:
    """Make the memory of a stream's first `limit` rows in a folder whose settings were checked, or go on making it.

    `about`: what else the card says; the card is written last. With 0 `neighbours` none are kept, and no popularity.
    """
    entries = write_embeddings(folder, embed, limit, report)
    dim = mapped(folder, EMBEDDINGS)[0].shape[1]
    card = {**about, "version": VERSION, "entries": entries, "dim": dim, "digest": digest_of(folder)}
    if neighbours:
        write_neighbours(LargeMemory(folder, index, card), neighbours, report)
    write_json(folder / CARD, card)
