"""A grid of samples to look at while a model trains."""

from __future__ import annotations

import torch
from PIL import Image

from pdm.data.tiles import tiled
from pdm.evaluation.drawing import Pipeline, seeded


def sample_grid(pipeline: Pipeline, *, steps: int, unconditional: bool = False, columns: int = 8) -> Image.Image:
    """columns x columns pictures at fixed seeds, without guidance but for what a student learned."""
    pipeline.set_progress_bar_config(disable=True)
    count, by_student = columns**2, pipeline.by_student(None, steps)
    images = pipeline(
        num_images=count,
        generator=seeded(0, count),
        num_inference_steps=steps,
        guidance_scale=pipeline.config.student_guidance if by_student else 1.0,
        unconditional=unconditional,
        output_type="pt",
    ).images
    assert isinstance(images, torch.Tensor)
    return tiled(images, columns)
