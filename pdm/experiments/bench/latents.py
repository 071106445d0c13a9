"""The benchmark's section on pictures of 128 px, which are painted in an autoencoder's space: training, and painting.

Both take as long with random weights as with learned ones, so that neither needs a trained model or the network.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from pdm.config import LatentConfig, preset
from pdm.evaluation.drawing import seeded
from pdm.experiments.bench.bench import BATCH, STEPS, Bench, Numbers
from pdm.experiments.bench.training import training_speed
from pdm.model.denoiser import build_denoiser
from pdm.model.prototypes import PrototypeBank
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import make_scheduler
from pdm.support.timing import timed

PRESET = "latent-128"
SMALLER = 8  # times than a picture's side is that of TAESD's latents


def latents(bench: Bench) -> tuple[Numbers, dict]:
    """Whole training steps on noise of the latents' size, and 16 pictures from noise to pixels."""
    config, seconds = preset(PRESET), bench.pick(30, 0)
    alone = replace(config, latent=LatentConfig(), image_size=config.image_size // SMALLER)
    speed = training_speed(alone, seconds, bench.pick(20, 1), on_gpu=bench.device.type == "cuda")
    pipeline, steps = _random_pipeline(bench), bench.pick(STEPS, 2)

    def paint() -> None:
        pipeline(num_images=BATCH, generator=seeded(0, BATCH), num_inference_steps=steps, output_type="pt")

    painted = timed(paint, bench.device, repeats=bench.pick(9, 1), warmup=bench.pick(2, 0))
    numbers: Numbers = {"latents.images_per_s": speed["images_per_s"], "latents.batch16_s": painted.median}
    parameters = sum(p.numel() for p in pipeline.denoiser.parameters())
    return numbers, {
        "preset": PRESET,
        "seconds": seconds,
        "images": BATCH,
        "steps": steps,
        "parameters": parameters,
        "painted": painted.to_dict(),
    }


def _random_pipeline(bench: Bench) -> PDMPipeline:
    """The preset's net and prototypes and an autoencoder of TAESD's shape, none of which has learned."""
    config = preset(PRESET)
    autoencoder = AutoencoderTiny()  # TAESD's layout is its default
    side, channels = config.image_size // SMALLER, autoencoder.config["latent_channels"]
    net = build_denoiser(config.net, config.diffusion, channels=channels, size=side, token_dim=config.prototypes.dim)
    bank = PrototypeBank(3, config.seen_size, count=config.prototypes.count, dim=config.prototypes.dim)
    for part in (net, autoencoder):
        torch.nn.Module.to(part, dtype=bench.dtype).eval()
    scale = {"mean": [0.0] * channels, "scale": [1.0] * channels}
    pipeline = PDMPipeline(net, bank.eval(), make_scheduler(), autoencoder=autoencoder, latents=scale)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(bench.device)
