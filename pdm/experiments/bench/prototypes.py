"""The benchmark's sections on prototypes: how they share the images among them, and whether pictures obey them."""

from __future__ import annotations

from dataclasses import replace

import torch
from tqdm.auto import tqdm

from pdm.config import preset
from pdm.evaluation.drawing import Sampling
from pdm.evaluation.quality import fidelity, prototype_usage
from pdm.experiments.bench.bench import STEPS, Bench, Numbers
from pdm.training.sources.prototypes import PrototypeSource
from pdm.training.sources.source import Report

USAGE = ("used", "perplexity", "nmi")


def prototypes(bench: Bench) -> tuple[Numbers, dict]:
    """How the model's prototypes share the training images among them."""
    usage = prototype_usage(bench.pdm.bank, bench.train)
    return {f"prototypes.{key}": usage[key] for key in USAGE}, {"images": len(bench.train), "count": usage["count"]}


def published_prototypes(bench: Bench) -> tuple[Numbers, dict]:
    """The same for the published objective trained alone, for as long as ours warms up on Fashion-MNIST."""
    numbers: Numbers = {}
    steps, batch = bench.pick(400, 5), bench.pick(512, 64)
    for count in (15, 64):
        config = preset("paper")
        config = replace(
            config,
            image_size=bench.train.images.shape[-1],
            prototypes=replace(config.prototypes, count=count, warmup_steps=steps, warmup_batch=batch),
        )
        torch.manual_seed(config.seed)
        source = PrototypeSource(config, bench.train, torch.device("cpu"))
        with tqdm(total=steps, desc=f"published prototypes, K = {count}", unit="step") as bar:
            source.prepare(_one_step(bar))
        published = prototype_usage(source.bank.eval(), bench.train)
        numbers |= {f"paper.k{count}.{key}": published[key] for key in USAGE}
    return numbers, {"images": len(bench.train), "steps": steps, "batch": batch}


def _one_step(bar: tqdm) -> Report:
    """A report that moves the bar on by one."""

    def report(what: str, step: int, of: int, loss: float) -> None:
        bar.update()

    return report


def prototype_fidelity(bench: Bench) -> tuple[Numbers, dict]:
    """Where images generated from a single prototype land, at the default steps and the model's own guidance.

    Where the model has one, without it, too.
    """

    def measured(guidance: float) -> dict:
        sampling = Sampling(samples=2, steps=bench.pick(STEPS, 1), guidance=guidance, seed=10_000)
        return fidelity(bench.pdm, sampling, per_prototype=bench.pick(16, 1))

    own = bench.pdm.config.guidance_scale
    result = measured(own)
    numbers = {f"fidelity.{key}": result.pop(key) for key in ("top1", "top5")}
    if own != 1:
        plain = measured(1.0)
        numbers |= {f"fidelity.plain_{key}": plain[key] for key in ("top1", "top5")}
    return numbers, result
