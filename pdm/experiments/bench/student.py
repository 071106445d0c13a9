"""The benchmark on few steps and on wasted time: the student beside its teacher, sampling beside the machine's peak."""

from __future__ import annotations

import torch

from pdm.evaluation.drawing import Sampling, Variant, seeded
from pdm.evaluation.quality import fidelity
from pdm.experiments.bench.bench import BATCH, STEPS, Bench, Numbers
from pdm.experiments.bench.quality import frechet_features
from pdm.metrics.frechet import frechet_distance
from pdm.model.throughput import operations
from pdm.sampling.student import STUDENT, TUNED_STEPS
from pdm.support.timing import timed

TEACHER_STEPS = 18  # what the student's two steps are compared with
MATRIX = 2048  # rows and columns of the multiplication that the peak is measured with


def tune(bench: Bench) -> tuple[Numbers, dict]:
    """Frechet distances of the student at its steps and of the teacher at 18; its fidelity at two steps."""
    pipeline = bench.pdm
    if pipeline.student is None:
        return {"tune.two_step_ratio": None}, {"student": f"{bench.assets.name} has none"}
    references, features = frechet_features(bench)
    samples, guidance = bench.pick(5000, 40), pipeline.config.student_guidance

    def distance(steps: int, sampler: str) -> float:
        sampling = Sampling(samples=samples, steps=steps, guidance=guidance, sampler=sampler)
        return frechet_distance(features(pipeline, sampling, Variant("pdm")), references.features)

    by_steps = {n: distance(n, STUDENT) for n in TUNED_STEPS}
    numbers: Numbers = {f"tune.frechet_{n}_steps": value for n, value in by_steps.items()}
    numbers["tune.teacher_frechet"] = teacher = distance(bench.pick(TEACHER_STEPS, 2), "dpm++2m")
    numbers["tune.two_step_ratio"] = by_steps[2] / teacher
    sampling = Sampling(samples=2, steps=2, seed=10_000, sampler=STUDENT)
    found = fidelity(pipeline, sampling, per_prototype=bench.pick(16, 1))
    numbers |= {f"tune.fidelity_{key}": found[key] for key in ("top1", "top5")}
    settings = {"samples": samples, "teacher_steps": TEACHER_STEPS, "fidelity_steps": 2}
    return numbers, settings | {"feature_net": references.net.config.name}


def roofline(bench: Bench) -> tuple[Numbers, dict]:
    """The share of the machine's own matrix-multiply rate, in the same precision, that sampling a batch reaches."""
    device, on_gpu = bench.device, bench.device.type == "cuda"
    count, steps = bench.pick(256 if on_gpu else BATCH, 2), bench.pick(STEPS, 2)

    def call() -> None:
        bench.pdm(num_images=count, generator=seeded(0, count), num_inference_steps=steps, output_type="pt")

    flops = operations(call)
    a, b = (torch.randn(MATRIX, MATRIX, device=device).to(bench.dtype) for _ in range(2))
    multiplied = timed(lambda: a @ b, device, repeats=bench.pick(30, 2), warmup=5)
    sampled = timed(call, device, repeats=bench.pick(15, 2))
    peak, reached = 2 * MATRIX**3 / multiplied.median, flops / sampled.median
    key = "speed.roofline_gpu" if on_gpu else "speed.roofline_cpu"
    return {key: reached / peak, "speed.peak_tflops": peak / 1e12, "speed.sampling_tflops": reached / 1e12}, {
        "images": count,
        "steps": steps,
        "flops": flops,
        "matrix": MATRIX,
        "multiplied": multiplied.to_dict(),
        "sampled": sampled.to_dict(),
        "precision": str(bench.dtype).removeprefix("torch."),
    }
