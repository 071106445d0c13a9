"""The pipelines of a model that only a comparison needs: loaded when first asked for, which no start waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from pdm.pipelines.loading import INDEX, load_pipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline

COMPARED = ("unconditional", "s-pdm", "paper")  # methods, and the names of their folders


class LazyPipelines(Mapping[str, PDMPipeline | RDMPipeline]):
    """By method, those of `COMPARED` that a model's folder holds; each is kept once it is loaded.

    Asking for a damaged one raises ValueError, as `load_pipeline` does.
    """

    def __init__(self, folder: Path, *, device: torch.device, dtype: torch.dtype):
        self._folder, self._device, self._dtype = folder, device, dtype
        self._methods = tuple(m for m in COMPARED if (folder / m / INDEX).is_file())
        self._loaded: dict[str, PDMPipeline | RDMPipeline] = {}
        self._lock = threading.Lock()

    def __getitem__(self, method: str) -> PDMPipeline | RDMPipeline:
        if method not in self._methods:
            raise KeyError(method)
        with self._lock:
            if method not in self._loaded:
                self._loaded[method] = load_pipeline(
                    self._folder / method, method, device=self._device, dtype=self._dtype
                )
            return self._loaded[method]

    def __contains__(self, method: object) -> bool:
        return method in self._methods  # Mapping's own would load it

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)
