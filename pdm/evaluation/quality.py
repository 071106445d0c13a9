"""What samples and prototypes are measured by: every metric of `pdm.metrics`, on a named feature net."""

from __future__ import annotations

import torch
from tqdm.auto import tqdm

from pdm.data.images import ImageData
from pdm.evaluation.drawing import Sampling, seeded, tensor
from pdm.evaluation.references import References
from pdm.metrics import density_coverage, precision_recall
from pdm.metrics.classifier_score import classifier_score
from pdm.metrics.clustering import mutual_information, perplexity, prototypes_used, usage_shares
from pdm.metrics.fidelity import prototype_fidelity
from pdm.metrics.frechet import frechet_distance
from pdm.metrics.kid import kernel_distance
from pdm.metrics.memorisation import share_nearer
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline

KID_SUBSETS = 50
SPLITS = 10  # of the classifier score


def check_sample_count(samples: int, dim: int) -> None:
    """Raise ValueError, naming the metrics, where there are too few samples for features of `dim` dimensions."""
    needed = {
        "frechet": dim + 1,  # with fewer the covariance has no full rank
        "classifier score": 2 * SPLITS,
        "density and coverage": density_coverage.K + 1,
        "precision and recall": precision_recall.K + 1,
    }
    short = [f"{metric} needs {count}" for metric, count in needed.items() if samples < count]
    if short:
        most = max(needed.values())
        raise ValueError(
            f"samples: expected at least {most} for features of {dim} dimensions ({', '.join(short)}), got {samples}"
        )


def quality(features: torch.Tensor, references: References, seed: int = 0) -> dict[str, float]:
    """All metrics of samples' features (N, D) against the reference split, and the share of them that look copied.

    Those of k neighbours take as many reference images as there are samples. Raises ValueError for too few samples.
    """
    if features.ndim != 2 or features.shape[1] != references.features.shape[1]:
        raise ValueError(f"features: expected (N, {references.features.shape[1]}), got {tuple(features.shape)}")
    check_sample_count(*features.shape)
    kernel, kernel_sd = kernel_distance(features, references.features, seed, subsets=KID_SUBSETS)
    score, score_sd = classifier_score(references.net.scores(features), seed, SPLITS)
    real = references.part(len(features))
    drawn = features[: len(real)]
    density, coverage = density_coverage.density_and_coverage(drawn, real)
    return {
        "frechet": frechet_distance(features, references.features),
        "kernel_mean": kernel,
        "kernel_sd": kernel_sd,
        "classifier_score": score,
        "classifier_score_sd": score_sd,
        "precision": precision_recall.precision(drawn, real),
        "recall": precision_recall.recall(drawn, real),
        "density": density,
        "coverage": coverage,
        "memorised_share": share_nearer(features, references.train, references.copy_threshold),
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
def single_prototype_features(
    pipeline: PDMPipeline, sampling: Sampling, prototype: int, per_prototype: int
) -> torch.Tensor:
    """Where f_phi places images generated from one prototype alone: (per_prototype, D)."""
    output = pipeline(
        prototypes=[prototype],
        num_images=per_prototype,
        generator=seeded(sampling.seed + prototype * per_prototype, per_prototype),
        **sampling.options(),
    )
    return embed_all(pipeline.bank.encode, tensor(output))


def fidelity(
    pipeline: PDMPipeline, sampling: Sampling, *, per_prototype: int = 16, quiet: bool = False
) -> dict[str, float]:
    """The share of images generated from one prototype alone that land on it, and that have it in their top 5."""
    bar = tqdm(range(pipeline.bank.count), desc="fidelity", unit="prototype", disable=quiet)
    z = torch.cat([single_prototype_features(pipeline, sampling, k, per_prototype) for k in bar])
    return fidelity_of(z, pipeline.bank, sampling)


@torch.no_grad()
def fidelity_of(z: torch.Tensor, bank: PrototypeBank, sampling: Sampling) -> dict[str, float]:
    """`fidelity` of features (K * n, D), n for each prototype in order."""
    per_prototype = len(z) // bank.count
    ids = torch.arange(bank.count).repeat_interleave(per_prototype)
    return {
        "top1": prototype_fidelity(z, bank.vectors, ids, 1),
        "top5": prototype_fidelity(z, bank.vectors, ids, min(5, bank.count)),
        "per_prototype": per_prototype,
        "guidance": sampling.guidance,
        "steps": sampling.steps,
        "seed": sampling.seed,
    }
