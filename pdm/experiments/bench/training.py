"""The benchmark on training: images a second of the colour recipes, on noise, which takes as long as pictures."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from pdm.config import TrainConfig, preset
from pdm.data.images import ImageData
from pdm.experiments.bench.bench import Bench, Numbers
from pdm.training.fast import COMPILE_MINUTES, compile_net
from pdm.training.train import Trainer

IMAGES = 4096  # in the data set that is trained on
GPU, CPU = {"32": "cifar10-32", "64": "eurosat-64"}, {"cpu": "eurosat-64-cpu"}


def train(bench: Bench) -> tuple[Numbers, dict]:
    """Whole training steps after warm-up, prototypes frozen as they are for most of a run."""
    on_gpu = bench.device.type == "cuda"
    seconds, warm = bench.pick(30, 0), bench.pick(20 if on_gpu else 2, 1)
    numbers: Numbers = {}
    for size, name in (GPU if on_gpu else CPU).items():
        config = preset(name)
        config = replace(config, optim=replace(config.optim, batch_size=bench.pick(config.optim.batch_size, 8)))
        speed = training_speed(config, seconds, warm, on_gpu=on_gpu)
        numbers[f"train.images_per_s.{size}"] = speed["images_per_s"]
        numbers[f"train.peak_share.{size}"] = speed["peak_share"]
    return numbers, {"seconds": seconds, "warm_up_steps": warm, "presets": GPU if on_gpu else CPU}


def training_speed(config: TrainConfig, seconds: float, warm: int, *, on_gpu: bool) -> dict[str, float]:
    """Images a second and share of the device's peak, measured for at least `seconds` and one step."""
    config = replace(config, prototypes=replace(config.prototypes, warmup_steps=0, frozen_from=0.0))
    shape, generator = (IMAGES, 3, config.image_size, config.image_size), torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    data = ImageData("noise", images, torch.zeros(IMAGES, dtype=torch.long), ("noise",))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, data, Path(folder), cpu=not on_gpu)
        compile_net(trainer.accelerator.unwrap_model(trainer.denoiser), trainer.accelerator.device, COMPILE_MINUTES)
        for _ in range(warm):
            trainer.train_step().item()
        trainer.speed.start(trainer.progress.images_seen)
        end = time.monotonic() + seconds
        loss = trainer.train_step()
        while time.monotonic() < end:
            loss = trainer.train_step()
            if trainer.progress.steps % 10 == 0:
                loss.item()  # else a GPU's queue runs ahead of the clock
        loss.item()
        return trainer.speed.look(trainer.progress.images_seen)
