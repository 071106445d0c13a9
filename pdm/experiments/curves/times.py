"""How long pictures take, by the number painted at once and by the number of steps."""

from __future__ import annotations

from pdm.config import DEFAULT_GUIDANCE
from pdm.evaluation.drawing import seeded
from pdm.experiments.bench.bench import BATCH, STEPS
from pdm.experiments.curves.curve import Curve, Lab
from pdm.support.hashing import weights_hash
from pdm.support.timing import timed

BATCHES = (1, 2, 4, 8, 16, 32, 64)
STEP_COUNTS = (2, 4, 6, 8, 10, 15, 20, 35)
SAMPLER = "dpm++2m"  # named, because a model with a student would paint two and four steps with that


def time_by_batch(lab: Lab) -> Curve:
    """Seconds of a call that paints so many pictures, from seeds to PIL images."""
    steps = lab.bench.pick(STEPS, 1)
    points = [{"batch": batch} for batch in (BATCHES[:2] if lab.bench.quick else BATCHES)]
    return Curve(_settings(lab, steps=steps), points, lambda point: _measured(lab, point["batch"], steps))


def time_by_steps(lab: Lab) -> Curve:
    """Seconds of a call, by its steps."""
    batch = lab.bench.pick(BATCH, 2)
    points = [{"steps": steps} for steps in (STEP_COUNTS[:2] if lab.bench.quick else STEP_COUNTS)]
    return Curve(_settings(lab, batch=batch), points, lambda point: _measured(lab, batch, point["steps"]))


def _settings(lab: Lab, **fixed: int) -> dict:
    return {
        **fixed,
        "method": "pdm",
        "model": lab.bench.assets.name,
        "model_hash": weights_hash({"denoiser": lab.bench.pdm.denoiser}),
        "sampler": SAMPLER,
        "guidance": DEFAULT_GUIDANCE,
        "repeats": lab.bench.pick(9, 2),
        "warmup": lab.bench.pick(2, 1),
        "seconds": "median of the repeats",
        "spread": "half of their range",
    }


def _measured(lab: Lab, batch: int, steps: int) -> dict:
    def call() -> None:
        lab.bench.pdm(
            num_images=batch,
            generator=seeded(0, batch),
            num_inference_steps=steps,
            guidance_scale=DEFAULT_GUIDANCE,
            sampler=SAMPLER,
        )

    took = timed(call, lab.bench.device, repeats=lab.bench.pick(9, 2), warmup=lab.bench.pick(2, 1))
    return {"seconds": round(took.median, 5), "spread": round((took.high - took.low) / 2, 5)}
