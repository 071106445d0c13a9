"""The standard feature net: InceptionV3 with the weights of FID, which the package torch-fidelity brings.

It is no requirement: it needs torchvision, and its weights a network once. A Frechet distance on these features, and on
no others, is an FID (Heusel et al. 2017).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pdm.results.shapes import STANDARD_NET

DIM = 2048  # of the features


@dataclass(frozen=True)
class InceptionConfig:
    dim: int
    name: str = STANDARD_NET


class InceptionNet(nn.Module):
    """The same interface as `FeatureNet` of this package, around torch-fidelity's extractor of the layer "2048"."""

    def __init__(self, extractor: Any):
        super().__init__()
        self.extractor = extractor
        self.config = InceptionConfig(extractor.fc.in_features)

    @torch.no_grad()
    def features(self, images: torch.Tensor, batch: int = 64) -> torch.Tensor:
        """Features (N, 2048), float32 on the CPU, of uint8 images (N, C, H, W), grey or colour, of any size.

        The net resizes as the reference implementation does. Raises ValueError for other images.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images: expected uint8 (N, 1 or 3, H, W), got {images.dtype} {tuple(images.shape)}")
        device = next(self.parameters()).device
        parts = [self.extractor(part.expand(-1, 3, -1, -1).to(device))[0] for part in images.split(batch)]
        return torch.cat([part.float().cpu() for part in parts])

    @torch.no_grad()
    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """The class scores (N, 1008) without bias that the Inception score is defined on."""
        return features @ self.extractor.fc.weight.float().cpu().T


def load_inception(device: torch.device | str = "cpu") -> InceptionNet:
    """The net, its weights fetched when they are not in torch's cache; raises ValueError with what is missing."""
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import (  # pyright: ignore[reportMissingImports] - an extra
            URL_INCEPTION_V3,
            FeatureExtractorInceptionV3,
        )
    except ImportError as error:
        raise ValueError(
            "features: expected the packages torch-fidelity and torchvision for inception, which are no requirements: "
            f"pip install torch-fidelity torchvision; got: {error}"
        ) from error
    path = Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]
    try:  # before the package reads it: checked by its hash, and to hold tensors alone
        torch.hub.load_state_dict_from_url(URL_INCEPTION_V3, progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"features: expected the weights of inception in {path}, or a network to fetch them, got: {reason}"
        ) from error
    extractor = FeatureExtractorInceptionV3("inception-v3-compat", [str(DIM)])
    return InceptionNet(extractor).to(device).eval().requires_grad_(False)
