"""Measure a trained pipeline: distances to real images on a named feature net, prototypes, fidelity, copies.

No number is called FID: InceptionV3 is not used, and every result names its feature net, sample count, reference
split, sampler, steps, guidance and seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tqdm.auto import tqdm

from pdm.config import DEFAULT_GUIDANCE
from pdm.data import ImageData
from pdm.encoders import embed_all
from pdm.featurenet import FeatureNet
from pdm.few_steps import STUDENT
from pdm.files import atomic_file, write_json
from pdm.metrics.clustering import mutual_information, perplexity, prototypes_used, usage_shares
from pdm.metrics.fidelity import prototype_fidelity
from pdm.metrics.frechet import frechet_distance
from pdm.metrics.kid import kernel_distance
from pdm.metrics.memorisation import memorised_share
from pdm.pipeline import PDMPipeline, RDMPipeline
from pdm.prototypes import PrototypeBank

Pipeline = PDMPipeline | RDMPipeline
KID_SUBSETS = 50


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn. Image i comes from the generator seeded `seed` + i, whatever the batch size."""

    samples: int = 5_000
    steps: int = 10
    guidance: float = 1.0
    seed: int = 0
    sampler: str | None = None  # None: the pipeline's own
    batch_size: int = 100

    def __post_init__(self):
        if self.samples < 2 or self.batch_size < 1:
            raise ValueError(f"samples: expected at least 2 in batches of at least 1, got {self.samples}")


@dataclass(frozen=True)
class Variant:
    """One way of drawing from a pipeline: its own conditions, RDM's with another `top_m`, or none."""

    name: str
    unconditional: bool = False
    top_m: float | None = None

    def options(self) -> dict:
        """As arguments of the pipeline's call."""
        top_m = {} if self.top_m is None else {"top_m": self.top_m}
        return {"unconditional": self.unconditional, **top_m}


UNCONDITIONAL = Variant("unconditional", unconditional=True)
VARIANTS: dict[str, tuple[Variant, ...]] = {
    "pdm": (Variant("pdm"), UNCONDITIONAL),
    # 1 % is what the paper draws its pseudo-queries from; the whole memory is the fairer choice for coverage.
    "rdm": (Variant("rdm top_m 0.01", top_m=0.01), Variant("rdm top_m 1.0", top_m=1.0), UNCONDITIONAL),
    "unconditional": (UNCONDITIONAL,),
}


@dataclass(frozen=True)
class References:
    """Features of the real images, and which split samples are compared with ("train" or "test")."""

    net: FeatureNet
    train: torch.Tensor  # (N, D)
    test: torch.Tensor  # (M, D)
    split: str = "train"

    @classmethod
    def of(cls, net: FeatureNet, train: ImageData, test: ImageData, split: str = "train") -> References:
        if split not in ("train", "test"):
            raise ValueError(f"reference: expected 'train' or 'test', got {split!r}")
        return cls(net, net.features(train.images), net.features(test.images), split)

    @property
    def features(self) -> torch.Tensor:
        return self.train if self.split == "train" else self.test


def seeded(first: int, count: int) -> list[torch.Generator]:
    """One generator an image, seeded first, first + 1, ..."""
    return [torch.Generator().manual_seed(first + i) for i in range(count)]


def draw(pipeline: Pipeline, sampling: Sampling, variant: Variant, *, quiet: bool = False) -> torch.Tensor:
    """Samples as uint8 (N, C, H, W), in batches, with a progress bar."""
    parts = []
    with tqdm(total=sampling.samples, desc=f"samples, {variant.name}", unit="img", disable=quiet) as bar:
        for start, size in _batches(sampling.samples, sampling.batch_size):
            output = pipeline(
                num_images=size, generator=seeded(sampling.seed + start, size), num_inference_steps=sampling.steps,
                guidance_scale=sampling.guidance, sampler=sampling.sampler, output_type="pt", **variant.options(),
            )  # fmt: skip
            parts.append(output.images)
            bar.update(size)
    return torch.cat(parts)


def _batches(total: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, size):
        yield start, min(size, total - start)


def quality(features: torch.Tensor, references: References, seed: int = 0) -> dict:
    """Distances of samples' features (N, D) to the reference split, and the share of them that look copied."""
    generator = torch.Generator().manual_seed(seed)
    mean, sd = kernel_distance(features, references.features, generator, subsets=KID_SUBSETS)
    return {
        "frechet": frechet_distance(features, references.features),
        "kernel_mean": mean,
        "kernel_sd": sd,
        "memorised_share": memorised_share(features, references.train, references.test),
    }


@torch.no_grad()
def prototype_usage(bank: PrototypeBank, data: ImageData) -> dict:
    """How the bank's prototypes share out a data set, and how well they agree with its labels."""
    ids = torch.cat([bank.distances(z).argmin(1) for z in embed_all(bank.encode, data.images).split(1000)])
    shares = usage_shares(ids, bank.count)
    return {
        "count": bank.count,
        "used": prototypes_used(shares),
        "perplexity": perplexity(shares),
        "nmi": mutual_information(ids, data.labels),
        "images": len(data),
    }


@torch.no_grad()
def fidelity(
    pipeline: PDMPipeline,
    sampling: Sampling,
    *,
    per_prototype: int = 16,
    guidance: float = DEFAULT_GUIDANCE,
    quiet: bool = False,
) -> dict:
    """Where f_phi places images generated from one prototype alone: the share that lands on it, and in its top 5."""
    bank, features = pipeline.bank, []
    for k in tqdm(range(bank.count), desc="fidelity", unit="prototype", disable=quiet):
        images = pipeline(
            prototypes=[k], num_images=per_prototype,
            generator=seeded(sampling.seed + k * per_prototype, per_prototype), num_inference_steps=sampling.steps,
            guidance_scale=guidance, sampler=sampling.sampler, output_type="pt",
        ).images  # fmt: skip
        features.append(embed_all(bank.encode, images))
    z, ids = torch.cat(features), torch.arange(bank.count).repeat_interleave(per_prototype)
    return {
        "top1": prototype_fidelity(z, bank.vectors, ids, 1),
        "top5": prototype_fidelity(z, bank.vectors, ids, min(5, bank.count)),
        "per_prototype": per_prototype,
        "guidance": guidance,
        "steps": sampling.steps,
        "seed": sampling.seed,
    }


def sampler_name(pipeline: Pipeline, sampling: Sampling) -> str:
    """What paints the samples: the sampler asked for, else the student or the pipeline's own scheduler."""
    own = STUDENT if pipeline.by_student(None, sampling.steps) else type(pipeline.scheduler).__name__
    return sampling.sampler or own


def evaluate(
    pipeline: Pipeline,
    train: ImageData,
    references: References,
    sampling: Sampling,
    *,
    variants: Sequence[Variant],
    out: Path | None = None,
    quiet: bool = False,
) -> dict:
    """All measurements of one pipeline as plain JSON values.

    With `out`, writes evaluation.json and the samples' features (features.safetensors, a tensor a variant) there.
    """
    result: dict = {
        "feature_net": references.net.config.name,
        "data_set": train.name,
        "reference": {"split": references.split, "images": len(references.features)},
        "sampling": asdict(sampling) | {"sampler": sampler_name(pipeline, sampling)},
        "train_test_frechet": frechet_distance(references.test, references.train),  # what real images get
        "quality": {},
    }
    features: dict[str, torch.Tensor] = {}
    for variant in variants:
        images = draw(pipeline, sampling, variant, quiet=quiet)
        features[variant.name] = references.net.features(images)
        result["quality"][variant.name] = quality(features[variant.name], references, sampling.seed)
    if isinstance(pipeline, PDMPipeline) and any(not v.unconditional for v in variants):
        result["prototypes"] = prototype_usage(pipeline.bank, train)
        result["fidelity"] = fidelity(pipeline, sampling, quiet=quiet)
    if out is not None:
        with atomic_file(Path(out) / "features.safetensors") as part:
            save_file({name: value.contiguous() for name, value in features.items()}, part)
        write_json(Path(out) / "evaluation.json", result)
    return result
