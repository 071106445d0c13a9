"""What the time of a batch is made of, by kind of operator, and what keeping the condition's keys saves of it."""

from __future__ import annotations

import time

import torch
from torch.profiler import ProfilerActivity, profile

from pdm.evaluation.drawing import seeded
from pdm.experiments.bench.bench import BATCH, STEPS, Bench, Numbers
from pdm.support.timing import interleaved

# Kinds by a part of the operator's name; the first that fits counts.
KINDS = {
    "convolutions": ("conv",),
    "attention": ("scaled_dot_product",),
    "matrices": ("addmm", "::mm", "bmm", "linear"),
    "norms": ("norm",),
    "activations": ("silu", "gelu"),
}
OTHER, OUTSIDE = "other_operators", "outside_operators"


def batch_profile(bench: Bench) -> tuple[Numbers, dict]:
    """Shares of the time of a batch at the default steps, and one call with its keys kept over one without."""
    count, steps = bench.pick(BATCH, 2), bench.pick(STEPS, 2)

    def call() -> None:
        bench.pdm(num_images=count, generator=seeded(0, count), num_inference_steps=steps, output_type="pt")

    call()
    on_gpu = bench.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as recorded:
        start = time.perf_counter()
        call()
        wall = time.perf_counter() - start
    spent = "self_device_time_total" if on_gpu else "self_cpu_time_total"  # in microseconds
    shares = shares_of([(e.key, getattr(e, spent) / 1e6) for e in recorded.key_averages()], wall)
    pipeline, x = bench.pdm, torch.randn(count, *image_shape(bench), device=bench.device)
    condition = pipeline.condition(seeded(0, count)).to(bench.device)
    sigma, kept = torch.ones(count, device=bench.device), pipeline.denoiser.at_fixed_condition()
    with torch.no_grad():
        *both, ratio = interleaved(
            lambda: kept(x, sigma, condition),
            lambda: pipeline.denoiser(x, sigma, condition),
            bench.device,
            repeats=bench.pick(40, 2),
        )
    numbers: Numbers = {f"profile.{kind}": share for kind, share in shares.items()}
    return numbers | {"profile.kept_keys": ratio}, {
        "images": count,
        "steps": steps,
        "profiled_s": round(wall, 4),
        "kept": both[0].to_dict(),
        "made_anew": both[1].to_dict(),
    }


def image_shape(bench: Bench) -> tuple[int, int, int]:
    config = bench.pdm.denoiser.config
    return config.channels, config.image_size, config.image_size


def shares_of(events: list[tuple[str, float]], wall: float) -> dict[str, float]:
    """The share of `wall` seconds of each kind of operator, from (operator, its own seconds); the rest is `OUTSIDE`."""
    shares = dict.fromkeys([*KINDS, OTHER], 0.0)
    for name, seconds in events:
        if name.startswith("aten::"):
            shares[kind_of(name)] += seconds / wall
    return shares | {OUTSIDE: max(0.0, 1 - sum(shares.values()))}


def kind_of(name: str) -> str:
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), OTHER)
