"""The real images that samples are compared with: their features, and a cache of them on the disk."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pdm.data.images import ImageData
from pdm.evaluation.efficientnet import EfficientNet
from pdm.evaluation.featurenet import FeatureNet
from pdm.evaluation.inception import InceptionNet
from pdm.metrics.memorisation import copy_threshold
from pdm.support.checks import shown
from pdm.support.files import CACHE_FOLDER, atomic_file
from pdm.support.hashing import weights_hash

VERSION = 1  # of the cache: what a change of the features or of the threshold makes invalid
SPLITS = ("train", "test")
Net = FeatureNet | InceptionNet | EfficientNet  # one interface: config.name, config.dim, features, scores


@dataclass(frozen=True)
class References:
    """Features of the real images, and which split samples are compared with ("train" or "test")."""

    net: Net
    train: torch.Tensor  # (N, D)
    test: torch.Tensor  # (M, D)
    split: str = "train"
    known_threshold: float | None = None

    def __post_init__(self):
        if self.split not in SPLITS:
            raise ValueError(f"reference: expected 'train' or 'test', got {shown(self.split)}")

    @classmethod
    def of(cls, net: Net, train: ImageData, test: ImageData, split: str = "train") -> References:
        return cls(net, net.features(train.images), net.features(test.images), split)

    @property
    def features(self) -> torch.Tensor:
        return self.train if self.split == "train" else self.test

    @cached_property
    def copy_threshold(self) -> float:
        """How near to a training image a sample has to be to count as its copy."""
        if self.known_threshold is not None:
            return self.known_threshold
        return copy_threshold(self.train, self.test)

    def part(self, count: int) -> torch.Tensor:
        """At most `count` features of the split, always the same: metrics of k neighbours need sets of one size."""
        order = torch.randperm(len(self.features), generator=torch.Generator().manual_seed(0))
        return self.features[order[:count]]


def cached_references(
    net: Net, train: ImageData, test: ImageData, split: str, folder: Path | None = None
) -> References:
    """`References.of`, kept in a file that is named after the images, the net and this module's version.

    It lies in `folder`, or in `CACHE_FOLDER`. A file that cannot be read is computed again, and one that cannot be
    written is done without; either is said in a line on stderr.
    """
    name = "\n".join([str(VERSION), train.hash(), test.hash(), net.config.name, weights_hash({"net": net})])
    path = (folder or CACHE_FOLDER) / f"references-{hashlib.sha256(name.encode()).hexdigest()[:16]}.safetensors"
    if path.is_file():
        try:
            return _loaded(path, net, len(train), len(test), split)
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            print(f"{path}: expected reference features, got: {reason}; computing them again", file=sys.stderr)
    made = References.of(net, train, test, split)
    threshold = torch.tensor(made.copy_threshold, dtype=torch.float64)
    try:
        with atomic_file(path) as part:
            save_file({"train": made.train, "test": made.test, "copy_threshold": threshold}, part)
    except (OSError, SafetensorError) as error:
        print(f"{path}: reference features are not kept for next time: {error}", file=sys.stderr)
    return made


def _loaded(path: Path, net: Net, train: int, test: int, split: str) -> References:
    tensors = load_file(path)
    for name, rows in (("train", train), ("test", test)):
        expected, got = (rows, net.config.dim), tuple(tensors[name].shape)
        if got != expected or not torch.isfinite(tensors[name]).all():
            raise ValueError(f"{name} {got} where {expected} finite numbers belong")
    return References(net, tensors["train"], tensors["test"], split, tensors["copy_threshold"].item())
