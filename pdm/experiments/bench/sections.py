"""The sections of the benchmark: each returns its numbers by key, and the settings they were measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from tqdm.auto import tqdm

from pdm.config import DEFAULT_GUIDANCE, NETS, DiffusionConfig, preset
from pdm.data.images import ImageData, load
from pdm.evaluation.drawing import UNCONDITIONAL, Pipeline, Sampling, Variant, draw, seeded
from pdm.evaluation.featurenet import load_feature_net
from pdm.evaluation.quality import fidelity, prototype_usage
from pdm.evaluation.references import References
from pdm.metrics.frechet import frechet_distance
from pdm.model.conditioning import Condition
from pdm.model.denoiser import build_denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.loading import load_pipeline, resolve
from pdm.pipelines.pdm import PDMPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.sampling.student import STUDENT
from pdm.support.device import fastest_dtype
from pdm.support.paths import ASSETS
from pdm.support.timing import Timing, interleaved, timed
from pdm.training.sources.prototypes import PrototypeSource

Numbers = dict[str, float | int | None]
BATCH = 16
STEPS = 10
PAPER_STEPS = 1000  # of the published sampler
PAPER_TIMED_STEPS = 20
USAGE = ("used", "perplexity", "nmi")


@dataclass(frozen=True)
class Bench:
    """What the sections measure, loaded when first asked for."""

    assets: Path
    data_set: str
    device: torch.device
    quick: bool

    @property
    def dtype(self) -> torch.dtype:
        return fastest_dtype(self.device)

    @cached_property
    def pdm(self) -> PDMPipeline:
        return load_pipeline(self.assets, "pdm", self.device, self.dtype)

    @cached_property
    def rdm(self) -> RDMPipeline:
        return load_pipeline(self.assets, "rdm", self.device, self.dtype)

    @property
    def trained_on(self) -> str | None:
        """The data set that the training card names."""
        return denoiser_card(resolve(self.assets, "pdm")).get("data_set")

    @cached_property
    def train(self) -> ImageData:
        return self._data("train")

    @cached_property
    def test(self) -> ImageData:
        return self._data("test")

    def _data(self, split: str) -> ImageData:
        return load(self.data_set, split, self.pdm.denoiser.config.image_size, 2000 if self.quick else None)

    def pick(self, full: int, quick: int) -> int:
        return quick if self.quick else full


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
            source.prepare(lambda what, step, of, loss, bar=bar: bar.update())
        published = prototype_usage(source.bank.eval(), bench.train)
        numbers |= {f"paper.k{count}.{key}": published[key] for key in USAGE}
    return numbers, {"images": len(bench.train), "steps": steps, "batch": batch}


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
        numbers["quality.unconditional_net"] = distance(features(trained, plain, UNCONDITIONAL))
        numbers["quality.pdm_over_unconditional_net"] = pdm / numbers["quality.unconditional_net"]
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


def speed(bench: Bench) -> tuple[Numbers, dict]:
    """16 images without guidance, the pipeline over its bare network calls; the published sampler and the student."""
    pipeline, device, steps = bench.pdm, bench.device, bench.pick(STEPS, 2)
    config = pipeline.denoiser.config
    tokens = pipeline.bank.table.ids.shape[1]
    condition = Condition(
        torch.randn(BATCH, tokens, config.token_dim),
        torch.full((BATCH, tokens), 1.0 / tokens),
        torch.zeros(BATCH, tokens, dtype=torch.long),
        torch.zeros(BATCH, dtype=torch.bool),
    ).to(device)
    x = torch.randn(BATCH, config.channels, config.image_size, config.image_size, device=device)
    sigma = torch.ones(BATCH, device=device)
    plain = {"guidance_scale": DEFAULT_GUIDANCE}  # one network call a step, as the bare ones have

    def call() -> None:
        pipeline(num_images=BATCH, generator=seeded(0, BATCH), num_inference_steps=steps, **plain)

    @torch.no_grad()
    def bare() -> None:
        for _ in range(steps):
            pipeline.denoiser(x, sigma, condition)

    ours, net, overhead = interleaved(call, bare, device, repeats=bench.pick(15, 2), warmup=bench.pick(3, 1))
    published = published_pipeline(bench)
    timed_steps = bench.pick(PAPER_TIMED_STEPS, 1)

    def publish() -> None:
        published(
            num_images=BATCH,
            generator=seeded(0, BATCH),
            num_inference_steps=timed_steps,
            guidance_scale=1.0,
            redraw_each_step=True,
            output_type="pt",
        )

    theirs = timed(publish, device, repeats=bench.pick(3, 1), warmup=bench.pick(1, 0))
    full = theirs.median / timed_steps * PAPER_STEPS
    numbers: Numbers = {
        "speed.batch16_s": ours.median,
        "speed.overhead": overhead,
        "speed.paper16_s": full,
        "speed.vs_paper": full / ours.median,
    }
    if bench.trained_on == "eurosat":
        numbers["speed.eurosat16_s"] = ours.median
    quick: Timing | None = None
    if pipeline.student is not None:

        def sketch() -> None:
            pipeline(num_images=BATCH, generator=seeded(0, BATCH), num_inference_steps=2, sampler=STUDENT, **plain)

        quick = timed(sketch, device, repeats=bench.pick(30, 2), warmup=bench.pick(5, 1))
        numbers["speed.student16_s"] = quick.median
    settings = {
        "images": BATCH,
        "steps": steps,
        "student": quick and quick.to_dict() | {"steps": 2},
        "guidance": DEFAULT_GUIDANCE,
        "call": ours.to_dict(),
        "bare_network_calls": net.to_dict(),
        "published": theirs.to_dict() | {"timed_steps": timed_steps, "extrapolated_to": PAPER_STEPS},
        "published_parameters": sum(p.numel() for p in published.denoiser.parameters()),
    }
    return numbers, settings


def published_pipeline(bench: Bench) -> PDMPipeline:
    """The published net and sampler with random weights, in the same precision: for its speed only."""
    paper = preset("paper")
    channels, size = bench.pdm.denoiser.config.channels, bench.pdm.denoiser.config.image_size
    denoiser = build_denoiser(
        NETS["paper"],
        DiffusionConfig(preconditioning="vp", time_in_token=True),
        channels=channels,
        size=size,
        token_dim=paper.prototypes.dim,
    )
    sigmas = denoiser.sigmas  # stay in float32
    torch.nn.Module.to(denoiser, dtype=bench.dtype)
    denoiser.sigmas = sigmas
    bank = PrototypeBank(
        channels, size, count=paper.prototypes.count, dim=paper.prototypes.dim, tokens=1, spherical=False
    )
    pipeline = PDMPipeline(denoiser.eval(), bank.eval(), make_scheduler("ddpm", "vp"))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(bench.device)


def condition(bench: Bench) -> tuple[Numbers, dict]:
    """Finding the condition of one image: drawing prototypes from the table, against a search in the memory."""
    repeats, cpu = bench.pick(300, 5), torch.device("cpu")
    generators = seeded(0, 1)
    pdm = timed(lambda: bench.pdm.condition(generators), cpu, repeats=repeats, warmup=bench.pick(30, 1))
    rdm = timed(lambda: bench.rdm.find(generators), cpu, repeats=repeats, warmup=bench.pick(30, 1))
    numbers: Numbers = {"condition.pdm_ms": 1000 * pdm.median, "condition.rdm_ms": 1000 * rdm.median}
    return numbers, {"pdm": pdm.to_dict(7), "rdm": rdm.to_dict(7), "memory_entries": len(bench.rdm.memory)}


def memory(bench: Bench) -> tuple[Numbers, dict]:
    """Bytes each method must keep besides its denoiser and its encoder."""
    bank, store = bench.pdm.bank, bench.rdm.memory
    pdm = bank.bytes_kept
    numbers: Numbers = {
        "memory.pdm_bytes": pdm,
        "memory.rdm_bytes": store.bytes_on_disk(),
        "memory.rdm_over_pdm": store.bytes_on_disk() / pdm,
        "memory.pdm_ram_bytes": pdm,
        "memory.rdm_ram_bytes": store.bytes_in_ram(),
    }
    return numbers, {"prototypes": bank.count, "memory_entries": len(store), "dim": store.embeddings.shape[1]}


def app_model(bench: Bench) -> str:
    """The measured model as app.py's --model."""
    return bench.assets.name if bench.assets.resolve().parent == ASSETS else str(bench.assets)


def app(bench: Bench) -> tuple[Numbers, dict]:
    """The app from its start to the first pictures, and the memory it takes."""
    from pdm.experiments.bench.app_probe import COUNT, probe_app

    numbers = probe_app(app_model(bench))
    return {
        "app.start_s": numbers.start_s,
        "app.pictures_s": numbers.pictures_s,
        "app.peak_rss_gb": numbers.peak_rss / 1e9,
    }, {"pictures": COUNT, "runs": 1}


SECTIONS: dict[str, Callable[[Bench], tuple[Numbers, dict]]] = {
    "prototypes": prototypes,
    "paper": published_prototypes,
    "fidelity": prototype_fidelity,
    "quality": quality,
    "guidance": guidance,
    "speed": speed,
    "condition": condition,
    "memory": memory,
    "app": app,
}
