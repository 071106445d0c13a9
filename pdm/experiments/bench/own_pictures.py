"""The benchmark on pictures of one's own: there and back through noise, as another prototype, and half kept."""

from __future__ import annotations

from typing import Any

import torch

from pdm.data.images import to_pil
from pdm.evaluation.drawing import tensor
from pdm.experiments.bench.bench import STEPS, Bench, Numbers
from pdm.metrics.edges import edge_correlation, peak_signal_to_noise
from pdm.metrics.fidelity import prototype_fidelity
from pdm.model.encoders import embed_all
from pdm.pipelines.base import INVERSION_STEPS
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.start import OTHER_KIND_GUIDANCE

TOP = 5  # a picture is of a prototype that f_phi ranks this high


def own_pictures(bench: Bench) -> tuple[Numbers, dict]:
    """PSNR of test images that were inverted and painted again; obedience and edges of those that became another kind;
    the largest difference of a kept half.
    """
    pipeline, steps = bench.pdm, bench.pick(INVERSION_STEPS, 3)
    images = bench.test.images[: bench.pick(64, 2)]
    others = other_prototypes(pipeline, images)
    back = torch.cat([again(pipeline, image, steps) for image in images])
    changed = torch.cat([as_other(pipeline, image, k, steps) for image, k in zip(images, others, strict=True)])
    fresh = torch.cat([_painted(pipeline, steps, prototypes=[k], seed=i) for i, k in enumerate(others)])
    z = embed_all(pipeline.bank.encode, changed)
    psnr = peak_signal_to_noise(back, images)
    by_chance = edge_correlation(fresh, images).mean().item()
    numbers: Numbers = {
        "invert.psnr": psnr.mean().item(),
        "invert.obeyed": prototype_fidelity(z, pipeline.bank.vectors, torch.tensor(others), TOP),
        "invert.structure": edge_correlation(changed, images).mean().item() - by_chance,
        "canvas.kept": max(kept_difference(pipeline, image) for image in images[: bench.pick(16, 1)]),
    }
    return numbers, {
        "images": len(images),
        "steps": steps,
        "lowest_psnr": psnr.min().item(),
        "strength": pipeline.other_kind_strength,
        "guidance": OTHER_KIND_GUIDANCE,
        "fresh_structure": by_chance,
    }


def other_prototypes(pipeline: PDMPipeline, images: torch.Tensor, seed: int = 0) -> list[int]:
    """For each image uint8 (B, C, H, W) a prototype that f_phi does not rank among its nearest, drawn uniformly."""
    distances = pipeline.bank.distances(embed_all(pipeline.bank.encode, images))
    near = distances.topk(min(TOP, pipeline.bank.count - 1), largest=False).indices
    free = torch.ones_like(distances).scatter(1, near, 0.0).cpu()
    return torch.multinomial(free, 1, generator=torch.Generator().manual_seed(seed))[:, 0].tolist()


def again(pipeline: PDMPipeline, image: torch.Tensor, steps: int) -> torch.Tensor:
    """An image uint8 (C, H, W) inverted and painted under its own mix: (1, C, H, W)."""
    picture = to_pil(image)
    noise = pipeline.invert(picture, num_inference_steps=steps)
    return _painted(pipeline, steps, image=picture, noise=noise, guidance=1.0)


def as_other(pipeline: PDMPipeline, image: torch.Tensor, prototype: int, steps: int) -> torch.Tensor:
    """An image uint8 (C, H, W) inverted under its own mix and painted as another prototype: (1, C, H, W)."""
    picture = to_pil(image)
    strength = pipeline.other_kind_strength
    noise = pipeline.invert(picture, num_inference_steps=steps, strength=strength)
    return _painted(pipeline, steps, prototypes=[prototype], noise=noise, ground=picture, strength=strength)


def kept_difference(pipeline: PDMPipeline, image: torch.Tensor) -> int:
    """The largest difference in grey values of the left half of an image, kept while the right one is painted over."""
    keep = torch.zeros(image.shape[1:])
    keep[:, : keep.shape[1] // 2] = 1
    found = _painted(pipeline, STEPS, ground=to_pil(image), keep=keep)[0]
    return int((found.int() - image.int())[:, keep.bool()].abs().max())


def _painted(
    pipeline: PDMPipeline, steps: int, *, seed: int = 0, guidance: float = OTHER_KIND_GUIDANCE, **asked: Any
) -> torch.Tensor:
    options = {"num_inference_steps": steps, "guidance_scale": guidance, "output_type": "pt"}
    return tensor(pipeline(generator=torch.Generator().manual_seed(seed), **options, **asked))
