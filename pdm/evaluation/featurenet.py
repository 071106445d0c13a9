"""The feature net behind the Frechet distance: a small classifier that this project trains.

InceptionV3 (`pdm.evaluation.inception`) needs a network once and knows no 32 px clothes. A distance on these features
is not an FID: every result names the net. It shares no weights with f_phi or with RDM's encoder, so it favours neither
method.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from safetensors import SafetensorError
from torch import nn

from pdm.data.images import ImageData, to_unit
from pdm.model.features import ConvEncoder
from pdm.model.part import Part
from pdm.support.device import autocast
from pdm.support.files import atomic_folder, check_all_regular, write_json
from pdm.support.leftovers import recover

Report = Callable[[int, int, float], None]  # step, of, loss
DIM = 128  # of the features


class FeatureNet(Part):
    """A classifier of images (B, C, H, W) in [-1, 1]; its features (B, dim) are what the class scores are read from.

    `name` says what it is in every result, for example "fashion-mnist-classifier".
    """

    @register_to_config
    def __init__(self, name: str = "classifier", channels: int = 1, classes: int = 10, dim: int = DIM, width: int = 32):
        super().__init__()
        self.encoder = ConvEncoder(channels, dim, width)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, dim) and class scores (B, classes)."""
        h = F.silu(self.encoder(x))
        return h, self.head(h)

    @torch.no_grad()
    def features(self, images: torch.Tensor, batch: int = 500) -> torch.Tensor:
        """Features (N, dim), float32 on the CPU, of uint8 images (N, C, H, W); raises ValueError for other images."""
        channels = self.config.channels
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != channels:
            raise ValueError(f"images: expected uint8 (N, {channels}, H, W), got {images.dtype} {tuple(images.shape)}")
        return torch.cat([self(to_unit(part).to(self.device))[0].float().cpu() for part in images.split(batch)])

    @torch.no_grad()
    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """Class scores (N, classes), float32 on the CPU, of features (N, dim)."""
        return self.head(features.to(self.device)).float().cpu()

    @torch.no_grad()
    def accuracy(self, data: ImageData, batch: int = 500) -> float:
        """The share of images whose class gets the highest score."""
        parts = zip(data.images.split(batch), data.labels.split(batch), strict=True)
        hits = [(self(to_unit(x).to(self.device))[1].argmax(1).cpu() == y).sum().item() for x, y in parts]
        return sum(hits) / len(data)


def train_classifier(
    data: ImageData,
    *,
    epochs: int = 6,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Report = lambda step, of, loss: None,
) -> FeatureNet:
    """Train the feature net of a labelled data set, with mirrored and shifted images; about two minutes on two cores.

    Raises ValueError where an image has no label.
    """
    if not data.class_names or (data.labels < 0).any():
        raise ValueError(f"classifier: expected a label for every image, got {data.name!r} with images without one")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = FeatureNet(f"{data.name}-classifier", data.images.shape[1], len(data.class_names)).to(device)
    steps_per_epoch = max(1, len(data) // batch_size)
    total = epochs * steps_per_epoch
    optimizer = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=0.05)
    rise = 0.3 if total == 5 else 0.2  # a fifth of five steps has no length, by which OneCycleLR divides
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=total, pct_start=rise)
    order, precision = None, autocast(torch.device(device))
    for step in range(total):
        if order is None or step % steps_per_epoch == 0:
            order = torch.randperm(len(data), generator=generator)
        start = step % steps_per_epoch * batch_size
        rows = order[start : start + batch_size]
        x = _jitter(to_unit(data.images[rows]), generator).to(device)
        with precision:
            _, scores = net(x)
        loss = F.cross_entropy(scores.float(), data.labels[rows].to(device), label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        report(step + 1, total, loss.item())
    return net.eval().requires_grad_(False)


def _jitter(x: torch.Tensor, generator: torch.Generator, shift: int = 2) -> torch.Tensor:
    """Half of the images mirrored, all of the batch shifted by up to `shift` pixels."""
    mirrored = torch.rand(len(x), generator=generator)[:, None, None, None] < 0.5
    x = torch.where(mirrored, x.flip(3), x)
    dy, dx = torch.randint(0, 2 * shift + 1, (2,), generator=generator).tolist()
    h, w = x.shape[2:]
    return F.pad(x, (shift,) * 4, mode="replicate")[..., dy : dy + h, dx : dx + w]


def make_feature_net(
    train: ImageData,
    test: ImageData | None,
    folder: Path,
    *,
    epochs: int = 6,
    seed: int = 0,
    report: Report = lambda step, of, loss: None,
) -> FeatureNet:
    """A feature net trained now and kept in `folder`, with its accuracy on the images held out, if there are any."""
    net = train_classifier(train, epochs=epochs, seed=seed, report=report)
    card = {
        "name": net.config.name,
        "data_set": train.name,
        "data_hash": train.hash(),
        "images": len(train),
        "test_accuracy": None if test is None else net.accuracy(test),
    }
    save_feature_net(net, folder, card)
    return net


def save_feature_net(net: FeatureNet, folder: Path, card: dict) -> None:
    """Write the net (safetensors, config.json) and a card of how it was made, whole or not at all.

    In half precision: a Frechet distance changes by a hundredth of a percent.
    """
    with atomic_folder(Path(folder)) as part:
        deepcopy(net).half().save_pretrained(part, safe_serialization=True)
        write_json(part / "card.json", card)


def load_feature_net(folder: Path) -> FeatureNet:
    """The net saved in a folder; raises ValueError where there is none, or not all of it."""
    recover(Path(folder))
    try:
        check_all_regular(folder)
        net = FeatureNet.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{folder}: expected a feature net (config.json and weights), got: {reason}") from error
    return net.float().eval().requires_grad_(False)
