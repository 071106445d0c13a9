"""Pictures that the model made, for a map of a data set whose images must not ship or are not there."""

from __future__ import annotations

import torch

from pdm.config import DEFAULT_STEPS
from pdm.data.images import ImageData
from pdm.evaluation.drawing import Sampling, Variant, draw
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline


def generated_data(pipeline: PDMPipeline, count: int, seed: int = 0, name: str = "generated") -> ImageData:
    """`count` pictures from mixes of prototypes as frequent as in the training data; classes as in `classes_of`."""
    sampling = Sampling(samples=count, steps=DEFAULT_STEPS, guidance=pipeline.config.guidance_scale, seed=seed)
    images = draw(pipeline, sampling, Variant("pdm"))
    labels = classes_of(pipeline.bank, images)
    return ImageData(name, images, labels, tuple(pipeline.bank.config.class_names))


@torch.no_grad()
def classes_of(bank: PrototypeBank, images: torch.Tensor) -> torch.Tensor:
    """The class (N,) that most training images of each picture's nearest prototype have; -1 where none has any."""
    nearest = bank.distances(embed_all(bank.encode, images)).argmin(1)
    counts = bank.class_counts
    return torch.where(counts.sum(1) > 0, counts.argmax(1), -1)[nearest]
