"""How good pictures are, by how many steps, for every sampler and for the student."""

from __future__ import annotations

from functools import cache

from pdm.evaluation.drawing import Sampling, Variant
from pdm.evaluation.featurenet import load_feature_net
from pdm.experiments.bench.quality import frechet_features
from pdm.experiments.curves.curve import Curve, Lab
from pdm.experiments.curves.times import STEP_COUNTS
from pdm.metrics.frechet import frechet_distance
from pdm.sampling.solvers import SAMPLERS, make_scheduler
from pdm.sampling.student import STUDENT, TUNED_STEPS
from pdm.support.hashing import weights_hash


def frechet_by_steps(lab: Lab) -> Curve:
    """Frechet distances of PDM's samples without guidance. `calls`: how often the network is asked, which tells
    samplers of one number of steps apart."""
    pipeline = lab.bench.pdm
    steps = STEP_COUNTS[:2] if lab.bench.quick else STEP_COUNTS
    points = [{"sampler": sampler, "steps": n} for sampler in SAMPLERS for n in steps]
    if pipeline.student is not None:
        points += [{"sampler": STUDENT, "steps": n} for n in TUNED_STEPS]
    net = load_feature_net(lab.bench.assets / "classifier")
    samples = lab.bench.pick(lab.samples, 40)
    settings = {
        "model": lab.bench.assets.name,
        "model_hash": weights_hash({f"net {i}": net for i, net in enumerate(pipeline.nets)}),
        "method": "pdm",
        "samples": samples,
        "feature_net": net.config.name,
        "feature_net_hash": weights_hash({"net": net}),
        "reference": {"split": "train", "images": len(lab.bench.train)},
        "seed": lab.seed,
        "guidance": 1.0,
    }
    measured = cache(lambda: frechet_features(lab.bench))  # computed when the first row needs it

    def measure(point: dict) -> dict:
        references, features = measured()
        sampling = Sampling(samples, point["steps"], seed=lab.seed, sampler=point["sampler"])
        drawn = features(pipeline, sampling, Variant(f"{point['sampler']}, {point['steps']} steps"))
        return {"calls": network_calls(**point), "frechet": round(frechet_distance(drawn, references.features), 4)}

    return Curve(settings, points, measure)


def network_calls(sampler: str, steps: int) -> int:
    """How often a sampler asks the network in so many steps; Heun's asks twice in all but one."""
    if sampler == STUDENT:
        return steps
    scheduler = make_scheduler(sampler)
    scheduler.set_timesteps(steps, device=None)
    return len(scheduler.timesteps)
