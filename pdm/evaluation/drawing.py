"""Drawing many samples from a pipeline, each from a generator of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from pdm.pipelines.base import PrototypeDiffusionOutput
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline

Pipeline = PDMPipeline | RDMPipeline


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn. Image i comes from the generator seeded `seed` + i, whatever the batch size."""

    samples: int = 5_000
    steps: int = 10
    guidance: float = 1.0
    seed: int = 0
    sampler: str | None = None  # None: the pipeline's own
    batch_size: int = 100
    guidance_interval: tuple[float, float] | None = None  # sigmas at which guidance is applied; None: its own

    def __post_init__(self):
        if self.samples < 2 or self.batch_size < 1:
            raise ValueError(
                f"samples: expected at least 2 in batches of at least 1, got {self.samples} in {self.batch_size}"
            )

    def options(self) -> dict:
        """As arguments of a pipeline's call."""
        interval = {} if self.guidance_interval is None else {"guidance_interval": self.guidance_interval}
        return {
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "sampler": self.sampler,
            "output_type": "pt",
            **interval,
        }


@dataclass(frozen=True)
class Variant:
    """One way of drawing from a pipeline: its own conditions, RDM's with another `top_m`, none, or as published."""

    name: str
    unconditional: bool = False
    top_m: float | None = None
    redraw_each_step: bool = False

    def options(self) -> dict:
        """As arguments of the pipeline's call."""
        top_m = {} if self.top_m is None else {"top_m": self.top_m}
        redraw = {"redraw_each_step": True} if self.redraw_each_step else {}
        return {"unconditional": self.unconditional, **top_m, **redraw}


UNCONDITIONAL = Variant("unconditional", unconditional=True)
VARIANTS: dict[str, tuple[Variant, ...]] = {
    "pdm": (Variant("pdm"), UNCONDITIONAL),
    # 1 % is what the paper draws its pseudo-queries from; the whole memory is the fairer choice for coverage.
    "rdm": (Variant("rdm top_m 0.01", top_m=0.01), Variant("rdm top_m 1.0", top_m=1.0), UNCONDITIONAL),
    "unconditional": (UNCONDITIONAL,),
    "s-pdm": (Variant("s-pdm"),),
    "paper": (Variant("paper", redraw_each_step=True),),
}


def seeded(first: int, count: int) -> list[torch.Generator]:
    """One generator an image, seeded first, first + 1, ..."""
    return [torch.Generator().manual_seed(first + i) for i in range(count)]


def draw(pipeline: Pipeline, sampling: Sampling, variant: Variant, *, quiet: bool = False) -> torch.Tensor:
    """Samples as uint8 (N, C, H, W), in batches, with a progress bar."""
    parts = []
    with tqdm(total=sampling.samples, desc=f"samples, {variant.name}", unit="img", disable=quiet) as bar:
        for start in range(0, sampling.samples, sampling.batch_size):
            parts.append(
                draw_batch(pipeline, sampling, variant, start, min(sampling.batch_size, sampling.samples - start))
            )
            bar.update(len(parts[-1]))
    return torch.cat(parts)


def draw_batch(pipeline: Pipeline, sampling: Sampling, variant: Variant, start: int, count: int) -> torch.Tensor:
    """Samples start to start + count - 1, as uint8 (count, C, H, W)."""
    generators = seeded(sampling.seed + start, count)
    return tensor(pipeline(num_images=count, generator=generators, **sampling.options(), **variant.options()))


def tensor(output: PrototypeDiffusionOutput) -> torch.Tensor:
    """The images of a call with `Sampling.options()`, which ask for a tensor."""
    assert isinstance(output.images, torch.Tensor)
    return output.images
