"""Long computations in parts: each is a file as soon as it is done, and processes share the parts out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tqdm.auto import tqdm

from pdm.support.files import as_json, atomic_file, write_json

SETTINGS = "settings.json"


class Parts:
    """Rows of a tensor for each name, made `size` at a time, in a folder that all processes see.

    Which rows make a part is the same for any number of processes, so all of them and a resumed run get the same
    tensor. Parts of other settings are thrown away.
    """

    def __init__(self, folder: Path, settings: dict, processes: PartialState, *, quiet: bool = False):
        self.folder, self.processes, self.quiet = Path(folder), processes, quiet
        if processes.is_main_process and _read(self.folder / SETTINGS) != as_json(settings):
            shutil.rmtree(self.folder, ignore_errors=True)
            write_json(self.folder / SETTINGS, settings)
        processes.wait_for_everyone()

    def make(self, name: str, total: int, size: int, compute: Callable[[int, int], torch.Tensor]) -> None:
        """Make the rows that are not there yet: `compute(start, count)` returns rows (count, D)."""
        starts = range(0, total, size)
        missing = [start for start in starts if not self._path(name, start).exists()]
        self.processes.wait_for_everyone()  # nobody adds a part while others still look which there are
        mine = missing[self.processes.process_index :: self.processes.num_processes]
        silent = self.quiet or not self.processes.is_main_process
        with tqdm(total=len(starts), initial=len(starts) - len(missing), desc=name, unit="part", disable=silent) as bar:
            for start in mine:
                rows = compute(start, min(size, total - start))
                with atomic_file(self._path(name, start)) as part:
                    save_file({"rows": rows.contiguous()}, part)
                bar.update(min(self.processes.num_processes, bar.total - bar.n))
        self.processes.wait_for_everyone()

    def rows(self, name: str) -> torch.Tensor:
        """All rows of a name, in order; raises ValueError for a damaged part."""
        found = []
        for path in sorted((self.folder / name).glob("[0-9]*.safetensors")):
            try:
                found.append(load_file(path)["rows"])
            except (OSError, KeyError, SafetensorError) as error:
                raise ValueError(f"{path}: expected a whole part, got: {error}; delete it to make it again") from error
        return torch.cat(found)

    def _path(self, name: str, start: int) -> Path:
        return self.folder / name / f"{start:09d}.safetensors"


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
