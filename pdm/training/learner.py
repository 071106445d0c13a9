"""One step of training: the nets, their optimiser and average, and what a batch does to them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel

from pdm.config import TrainConfig
from pdm.data import augment
from pdm.data.images import ImageData, to_unit
from pdm.evaluation.drawing import Pipeline
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoiser, build_denoiser, loss_weight, sample_sigmas
from pdm.model.throughput import Speed
from pdm.pipelines.card import denoiser_card
from pdm.pipelines.loading import load_pipeline, resolve
from pdm.training.fast import beside, laid_out, step_generator
from pdm.training.latents import LatentImages, check_latents
from pdm.training.optimizer import make_optimizer
from pdm.training.progress import NoiseLosses, Progress, learning_rate
from pdm.training.shown import Bars, Shown
from pdm.training.sources.make import make_source
from pdm.training.sources.source import Source
from pdm.training.watch import Watch


class Learner:
    """A denoiser and the source of its conditions, which learn from a data set. It knows neither files nor time."""

    def __init__(
        self, config: TrainConfig, data: ImageData, accelerator: Accelerator, latents: LatentImages | None = None
    ):
        self.config, self.data, self.accelerator = config, data, accelerator
        self.latents = check_latents(config, data, latents)
        if config.optim.batch_size % accelerator.num_processes:
            raise ValueError(
                f"batch_size: expected a multiple of the {accelerator.num_processes} processes, "
                f"got {config.optim.batch_size}"
            )
        device = accelerator.device
        self.shown: Shown = Bars(silent=not accelerator.is_main_process)
        torch.manual_seed(config.seed)
        self.resident = beside(data, device)
        self.mirrored = _mirrored(config, self.resident)
        self.source: Source = make_source(config, self.resident, device)
        denoiser = build_denoiser(
            config.net,
            config.diffusion,
            channels=data.images.shape[1] if latents is None else latents.space.channels,
            size=config.image_size if latents is None else config.image_size // latents.space.factor,
            token_dim=self.source.token_dim,
        )
        self.start_pipeline: Pipeline | None = None  # what the run starts from, and its training card
        self.start_card: dict = {}
        if config.start is not None:
            self.start_pipeline = self.start_from(Path(config.start), denoiser)
        self.net_card: dict = {}  # of the model of other images that the net's weights are from
        if config.net_from is not None:
            folder = resolve(config.net_from, config.method)
            self.take_net(load_pipeline(folder, config.method), folder, denoiser)
            self.net_card = denoiser_card(folder)
        laid_out(denoiser, device)
        whole = accelerator.mixed_precision == "no"
        fast = torch.float32 if whole else torch.bfloat16
        self.speed = Speed(denoiser, device, fast)
        self.by_noise = NoiseLosses(device)
        self.parts = 1  # into which a batch is cut where a whole one does not fit the device's memory
        optimizer = make_optimizer(config.optim, denoiser, fast)
        self.denoiser, self.optimizer = accelerator.prepare(denoiser, optimizer)
        self.ema = _average(config, denoiser, device)
        self.progress = Progress()
        self.watch = Watch(device)
        kept = (self.ema, self.source, self.progress)
        accelerator.register_for_checkpointing(*kept, *(() if latents is None else (latents,)))

    def start_from(self, folder: Path, denoiser: Denoiser) -> Pipeline:
        """Give the denoiser the weights of a trained model of the same method and net; returns its pipeline.

        A net that learns from nothing, or from another model's weights, takes none. Raises ValueError for a model of
        another method or net.
        """
        pipeline = load_pipeline(folder, self.config.method)
        if not self.config.new_net and self.config.net_from is None:
            self.take_net(pipeline, folder, denoiser)
            self.start_card = denoiser_card(resolve(folder, self.config.method))
        return pipeline

    def take_net(self, pipeline: Pipeline, folder: Path, denoiser: Denoiser) -> None:
        """Give the denoiser the weights of a pipeline's; raises ValueError for those of another net."""
        try:
            denoiser.load_state_dict(pipeline.denoiser.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"model to start from: expected the net of preset {self.config.preset!r} for these images, "
                f"got another in {folder}"
            ) from error

    def train_step(self, finishing: float | None = None) -> torch.Tensor:
        """One optimiser step; returns its loss. `finishing`: the share of the run's last minutes that is over.

        Every process draws the whole batch, and the source learns from all of it; the denoiser takes a part each.
        """
        optim, generator = self.config.optim, self._generator()
        done = self.progress.images_seen / optim.images
        loss = self._gradients(generator, done)
        while loss is None:
            generator = self._generator()
            loss = self._gradients(generator, done)
        norm = self.accelerator.clip_grad_norm_(self.denoiser.parameters(), optim.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.progress.images_seen, finishing)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.accelerator.num_processes > 1:  # published prototypes take the gradient of each process's part
            for parameter in self.source.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.mean(parameter.grad)
        self.source.step(done, generator)
        self.ema.step(self.denoiser.parameters())
        mean = self.mean(loss)
        scaled = self.accelerator.mixed_precision == "fp16"  # whose steps are left out where a gradient overflows
        self.watch.see(self.progress.steps + 1, mean, *([] if scaled or norm is None else [norm]))
        self.progress.add(mean, optim.batch_size)
        return mean

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean of each process's values."""
        return cast(torch.Tensor, self.accelerator.reduce(values, "mean"))

    def _generator(self) -> torch.Generator:
        return step_generator(self.config.seed, self.progress.steps, self.accelerator.device)

    def _gradients(self, generator: torch.Generator, done: float) -> torch.Tensor | None:
        """The gradients of a step and its loss; None where the device's memory did not suffice, to be tried again."""
        try:
            return self._backward(*self._batch(generator, done))
        except torch.OutOfMemoryError:
            share = self.config.optim.batch_size // self.accelerator.num_processes
            if self.accelerator.num_processes > 1 or 2 * self.parts > share:
                raise
        self.optimizer.zero_grad()
        for parameter in self.source.parameters():
            parameter.grad = None
        if self.accelerator.device.type == "cuda":
            torch.cuda.empty_cache()
        self.parts *= 2
        self.say(f"out of memory: batches are taken in {self.parts} parts from now on, with the same result")
        return None

    def _batch(self, generator: torch.Generator, done: float) -> tuple:
        """This process's images, their noise levels, noise and condition, and the loss of the source's own."""
        config, images, device = self.config, self.resident.images, self.accelerator.device
        size = (config.optim.batch_size,)
        rows = torch.randint(len(images), size, generator=generator, device=generator.device).to(images.device)
        mirrored = None if self.mirrored is None else self.mirrored[rows].to(device)
        element = augment.elements(len(rows), generator, config.augment, device, mirrored)
        seen = augment.under(to_unit(images[rows]).to(device), element, config.augment)
        if self.latents is None:
            x = seen = augment.shifted(seen, generator, config.shift)
        else:  # the net learns from latents, and its condition from the pictures that they are of
            x = self.latents.batch(rows, element).to(device)
        with self.accelerator.autocast():
            condition, own_loss = self.source.condition(seen, rows, done, generator)
        drop = torch.rand(len(x), generator=generator, device=generator.device) < config.diffusion.condition_dropout
        sigma = sample_sigmas(config.diffusion, len(x), generator).to(device)
        noise = torch.randn(x.shape, generator=generator, device=generator.device).to(device)
        mine = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        return x[mine], sigma[mine], noise[mine], condition.dropped(drop.to(device))[mine], own_loss

    def _backward(self, x, sigma, noise, condition: Condition, own_loss: torch.Tensor | None) -> torch.Tensor:
        """The backward pass of a batch, in `parts` whose gradients add up to those of the whole."""
        total, ends = torch.zeros((), device=x.device), torch.linspace(0, len(x), self.parts + 1).long().tolist()
        for start, end in zip(ends, ends[1:], strict=False):
            part, last = slice(start, end), end == len(x)
            loss = self.loss(x[part], sigma[part], noise[part], condition[part]) * ((end - start) / len(x))
            total += loss.detach()
            loss = loss + own_loss if last and own_loss is not None else loss
            self.accelerator.backward(loss, retain_graph=not last)  # published prototypes are behind every part
        return total

    def loss(self, x: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor, condition: Condition) -> torch.Tensor:
        """The denoising loss of images x at noise levels sigma (B,)."""
        clean = self.denoiser(x + sigma[:, None, None, None] * noise, sigma, condition)
        losses = loss_weight(self.config.diffusion, sigma) * (clean.float() - x).square().mean((1, 2, 3))
        self.by_noise.add(sigma, losses.detach())
        return losses.mean()

    def say(self, text: str) -> None:
        """A line for those who watch."""
        self.shown.say(text)

    @contextmanager
    def ema_weights(self):
        """The denoiser with its averaged weights, and the trained ones back afterwards."""
        parameters = list(self.denoiser.parameters())
        self.ema.store(parameters)
        self.ema.copy_to(parameters)
        try:
            yield self.denoiser
        finally:
            self.ema.restore(parameters)

    def averaged(self) -> Denoiser:
        """A copy of the denoiser with its averaged weights, ready to run."""
        with self.ema_weights() as model:
            trained = self.accelerator.unwrap_model(model)
            denoiser = Denoiser.from_config(trained.config)
            denoiser.load_state_dict(trained.state_dict())
        return denoiser.eval().requires_grad_(False)


def _mirrored(config: TrainConfig, data: ImageData) -> torch.Tensor | None:
    """Which images may be flipped, bool (N,); None where all may. Raises ValueError for classes not in the data."""
    names, wanted = data.class_names, config.mirrored
    if not wanted:
        return None
    if not set(wanted) <= set(names):
        raise ValueError(
            f"mirrored: expected classes of data set {data.name!r} ({', '.join(names) or 'it has none'}), "
            f"got {', '.join(wanted)}; --augment says for all classes at once which symmetries they have"
        )
    may = torch.tensor([name in wanted for name in names], device=data.labels.device)
    return may[data.labels] & (data.labels >= 0)  # without a class nobody knows


def _average(config: TrainConfig, denoiser: Denoiser, device: torch.device) -> EMAModel:
    """The moving average of the weights, which pipelines are made of."""
    average = EMAModel(
        denoiser.parameters(),
        decay=config.optim.ema_decay,
        use_ema_warmup=True,
        power=0.75,
        foreach=device.type == "cuda",
    )
    average.to(device)
    return average
