"""Data sets that are known by a short name, and how class names are said."""

from __future__ import annotations

import re
from pathlib import Path

from pdm.support.paths import ASSETS

FASHION_MNIST = "fashion-mnist"
HUB_IDS = {  # short names
    FASHION_MNIST: "zalando-datasets/fashion_mnist",
    "eurosat": "timm/eurosat-rgb",  # MIT
    "cifar10": "uoft-cs/cifar10",  # no licence: what is made of it may be shown, its images must not be passed on
    "stl10": "tanganke/stl10",  # no licence
    "tiny-imagenet": "zh-plus/tiny-imagenet",  # ImageNet's terms: research only
    "celeba": "flwrlabs/celeba",  # research only
}
SHIPPED_SETS = {"emoji": ASSETS / "emoji" / "data"}  # short names of data sets that ship whole, in the hub's layout
NAMES = ", ".join([*HUB_IDS, *SHIPPED_SETS])


def shipped_set(name: str) -> Path:
    """The folder of a data set that ships; raises ValueError where it is not there."""
    folder = SHIPPED_SETS[name]
    if not any(folder.glob("*.parquet")):
        raise ValueError(
            f"data set {name!r}: expected its Parquet files in {folder}, got none; name another place with --data, "
            f"or make them with: python -m pdm data {name}"
        )
    return folder


def readable(name: str) -> str:
    """A class name as people write it, where the data set has it as a program does: SeaLake, tabby_cat."""
    return re.sub(r"(?<=[a-z]{2})[A-Z](?=[a-z])", lambda start: f" {start[0].lower()}", name).replace("_", " ")
