"""The benchmark's sections on time: painting a batch, and finding the condition of one picture."""

from __future__ import annotations

import torch

from pdm.config import DEFAULT_GUIDANCE, NETS, DiffusionConfig, preset
from pdm.evaluation.drawing import seeded
from pdm.experiments.bench.bench import BATCH, STEPS, Bench, Numbers
from pdm.model.conditioning import Condition
from pdm.model.denoiser import build_denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.sampling.student import STUDENT
from pdm.support.timing import Timing, interleaved, timed

PAPER_STEPS = 1000  # of the published sampler
PAPER_TIMED_STEPS = 20


def speed(bench: Bench) -> tuple[Numbers, dict]:
    """16 images without guidance, the pipeline over its bare network calls; the published sampler and the student."""
    steps = bench.pick(STEPS, 2)
    ours, net, overhead = _over_bare_calls(bench, steps)
    published, timed_steps = published_pipeline(bench), bench.pick(PAPER_TIMED_STEPS, 1)
    theirs = _published(bench, published, timed_steps)
    full = theirs.median / timed_steps * PAPER_STEPS
    numbers: Numbers = {
        "speed.batch16_s": ours.median,
        "speed.overhead": overhead,
        "speed.paper16_s": full,
        "speed.vs_paper": full / ours.median,
    }
    if bench.trained_on == "eurosat":
        numbers["speed.eurosat16_s"] = ours.median
    student = _student(bench)
    if student is not None:
        numbers["speed.student16_s"] = student.median
    settings = {
        "images": BATCH,
        "steps": steps,
        "student": student and student.to_dict() | {"steps": 2},
        "guidance": DEFAULT_GUIDANCE,
        "call": ours.to_dict(),
        "bare_network_calls": net.to_dict(),
        "published": theirs.to_dict() | {"timed_steps": timed_steps, "extrapolated_to": PAPER_STEPS},
        "published_parameters": sum(p.numel() for p in published.denoiser.parameters()),
    }
    return numbers, settings


def _over_bare_calls(bench: Bench, steps: int) -> tuple[Timing, Timing, float]:
    """The pipeline's call, the network calls that it makes, one a step, and the ratio of the two."""
    pipeline, device = bench.pdm, bench.device
    config, tokens = pipeline.denoiser.config, pipeline.bank.table.ids.shape[1]
    condition = Condition(
        torch.randn(BATCH, tokens, config.token_dim),
        torch.full((BATCH, tokens), 1.0 / tokens),
        torch.zeros(BATCH, tokens, dtype=torch.long),
        torch.zeros(BATCH, dtype=torch.bool),
    ).to(device)
    x = torch.randn(BATCH, config.channels, config.image_size, config.image_size, device=device)
    sigma = torch.ones(BATCH, device=device)

    def call() -> None:
        pipeline(
            num_images=BATCH,
            generator=seeded(0, BATCH),
            num_inference_steps=steps,
            guidance_scale=DEFAULT_GUIDANCE,
        )

    @torch.no_grad()
    def bare() -> None:
        for _ in range(steps):
            pipeline.denoiser(x, sigma, condition)

    return interleaved(call, bare, device, repeats=bench.pick(15, 2), warmup=bench.pick(3, 1))


def _published(bench: Bench, published: PDMPipeline, steps: int) -> Timing:
    """The published sampler, for so many of its steps."""

    def publish() -> None:
        published(
            num_images=BATCH,
            generator=seeded(0, BATCH),
            num_inference_steps=steps,
            guidance_scale=1.0,
            redraw_each_step=True,
            output_type="pt",
        )

    return timed(publish, bench.device, repeats=bench.pick(3, 1), warmup=bench.pick(1, 0))


def _student(bench: Bench) -> Timing | None:
    """The student in two steps, where the model has one."""
    if bench.pdm.student is None:
        return None

    def sketch() -> None:
        bench.pdm(
            num_images=BATCH,
            generator=seeded(0, BATCH),
            num_inference_steps=2,
            sampler=STUDENT,
            guidance_scale=bench.pdm.config.student_guidance,  # what it paints at by itself
        )

    return timed(sketch, bench.device, repeats=bench.pick(30, 2), warmup=bench.pick(5, 1))


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
