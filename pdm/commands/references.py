"""The real images that a model is measured against, with their features."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pdm.commands.common import check_channels, progress_bars
from pdm.support.leftovers import recover

if TYPE_CHECKING:
    import torch
    from accelerate import PartialState

    from pdm.data.images import ImageData
    from pdm.evaluation.references import References


def splits(arguments: Namespace, size: int, channels: int | None = None) -> tuple[ImageData, ImageData]:
    """The images to train on and those held out; raises ValueError where they are not of these channels."""
    from pdm.data.load import load

    train = load(arguments.data, "train", size, arguments.limit, arguments.colour)
    if channels is not None:
        check_channels(train, channels)
    colour = "colour" if train.images.shape[1] == 3 else "grey"
    return train, load(arguments.data, "test", size, arguments.limit, colour)


def processes_of(name: str) -> tuple[PartialState, torch.device]:
    """All processes of this launch, and this one's device: of several, each takes a GPU of its own."""
    from accelerate import PartialState

    from pdm.support.device import pick_device

    device = pick_device(name)
    processes = PartialState(cpu=device.type == "cpu")
    own = processes.device if device.type == "cuda" else None
    return processes, own or device


def own_references(
    arguments: Namespace, train: ImageData, test: ImageData, processes: PartialState, shipped: Path
) -> References:
    """Features of the real images; one process makes what is not there yet, the others find it."""
    from pdm.evaluation.featurenet import DIM, load_feature_net, make_feature_net
    from pdm.evaluation.quality import check_sample_count
    from pdm.evaluation.references import cached_references

    with processes.main_process_first():
        folder = _existing_net(arguments.classifier, shipped, arguments.out)
        net = None if folder is None else load_feature_net(folder)
        check_sample_count(arguments.samples, DIM if net is None else net.config.dim)
        if net is None:
            with progress_bars() as report:
                net = make_feature_net(
                    train,
                    test,
                    arguments.out / "classifier",
                    report=lambda step, of, loss: report("feature net", step, of, loss),
                )
        return cached_references(net, train, test, arguments.reference, arguments.cache)


def general_references(
    net: str,
    arguments: Namespace,
    train: ImageData,
    test: ImageData,
    processes: PartialState,
    device: torch.device,
) -> References:
    """The same on a net that learned other images: inception, or efficientnet-lite0."""
    from pdm.evaluation import efficientnet, inception
    from pdm.evaluation.quality import check_sample_count
    from pdm.evaluation.references import cached_references

    standard = net == "inception"
    check_sample_count(arguments.samples, inception.DIM if standard else efficientnet.DIM)
    load = inception.load_inception if standard else efficientnet.load_efficientnet
    with processes.main_process_first():
        return cached_references(load(device), train, test, arguments.reference, arguments.cache)


def _existing_net(given: Path | None, shipped: Path, out: Path) -> Path | None:
    """The folder of the given feature net, else of the shipped one, else of one trained before."""
    if given is not None:
        return given
    recover(out / "classifier")
    return next((folder for folder in (shipped, out / "classifier") if folder.is_dir()), None)
