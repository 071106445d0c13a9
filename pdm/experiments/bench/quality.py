"""The benchmark's sections on quality: Frechet distances of what each method paints, without guidance and with it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pdm.evaluation.drawing import UNCONDITIONAL, Pipeline, Sampling, Variant, draw
from pdm.evaluation.featurenet import load_feature_net
from pdm.evaluation.references import References
from pdm.experiments.bench.bench import STEPS, Bench, Numbers
from pdm.metrics.frechet import frechet_distance
from pdm.pipelines.loading import load_pipeline


def quality(bench: Bench) -> tuple[Numbers, dict]:
    """Frechet distances on the shipped feature net without guidance: PDM, RDM and the unconditional branch.

    RDM as published draws its pseudo-queries from the top 1 % of its memory, which cover little of the data; queries
    from the whole memory make a harder baseline, and PDM is compared with both.
    """
    references, features = frechet_features(bench)
    plain = Sampling(samples=bench.pick(5000, 40), steps=bench.pick(STEPS, 2), guidance=1.0)
    published, whole = Variant("rdm top_m 0.01", top_m=0.01), Variant("rdm top_m 1.0", top_m=1.0)

    def distance(drawn: torch.Tensor) -> float:
        return frechet_distance(drawn, references.features)

    ours = features(bench.pdm, plain, Variant("pdm"))
    pdm = distance(ours)
    halves = [distance(half) for half in ours.chunk(2)]  # two sets of seeds; at half the samples, so on the safe side
    rdm_published = distance(features(bench.rdm, plain, published))
    rdm_whole = distance(features(bench.rdm, plain, whole))
    unconditional = distance(features(bench.pdm, plain, UNCONDITIONAL))
    numbers: Numbers = {
        "quality.pdm": pdm,
        "quality.rdm_top_m_0.01": rdm_published,
        "quality.rdm_top_m_1.0": rdm_whole,
        "quality.unconditional": unconditional,
        "quality.pdm_over_unconditional": pdm / unconditional,
        "quality.pdm_over_rdm": pdm / rdm_published,
        "quality.pdm_over_rdm_whole": pdm / rdm_whole,
        "quality.noise_floor": abs(halves[0] - halves[1]),
        "quality.train_test": frechet_distance(references.test, references.train),
    }
    if (bench.assets / "unconditional").is_dir():
        trained = load_pipeline(bench.assets / "unconditional", "unconditional", bench.device, bench.dtype)
        numbers["quality.unconditional_net"] = net = distance(features(trained, plain, UNCONDITIONAL))
        numbers["quality.pdm_over_unconditional_net"] = pdm / net
    settings = _quality_settings(bench, references, plain) | {
        "noise_floor": "difference between the two halves of PDM's samples",
    }
    return numbers, settings


def guidance(bench: Bench) -> tuple[Numbers, dict]:
    """The same Frechet distances with guidance, the model's own or 1.5, which trades variety for clearer pictures."""
    references, features = frechet_features(bench)
    own = bench.pdm.config.guidance_scale
    scale = 1.5 if own == 1 else own
    guided = Sampling(samples=bench.pick(5000, 40), steps=bench.pick(STEPS, 2), guidance=scale)
    variants = {
        "guidance.pdm": (bench.pdm, Variant("pdm, guided")),
        "guidance.rdm_top_m_0.01": (bench.rdm, Variant("rdm top_m 0.01, guided", top_m=0.01)),
        "guidance.rdm_top_m_1.0": (bench.rdm, Variant("rdm top_m 1.0, guided", top_m=1.0)),
    }
    numbers: Numbers = {
        key: frechet_distance(features(pipeline, guided, variant), references.features)
        for key, (pipeline, variant) in variants.items()
    }
    return numbers, _quality_settings(bench, references, guided)


def frechet_features(bench: Bench) -> tuple[References, Callable[[Pipeline, Sampling, Variant], torch.Tensor]]:
    """The reference features, and a function from a variant to its samples' features (N, F)."""
    net = load_feature_net(bench.assets / "classifier")
    references = References.of(net, bench.train, bench.test)

    def features(pipeline: Pipeline, sampling: Sampling, variant: Variant) -> torch.Tensor:
        return net.features(draw(pipeline, sampling, variant))

    return references, features


def _quality_settings(bench: Bench, references: References, sampling: Sampling) -> dict:
    return {
        "feature_net": load_feature_net(bench.assets / "classifier").config.name,
        "reference": {"split": references.split, "images": len(references.features)},
        "samples": sampling.samples,
        "steps": sampling.steps,
        "sampler": type(bench.pdm.scheduler).__name__,
        "guidance": sampling.guidance,
        "seed": sampling.seed,
    }
