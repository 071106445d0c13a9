"""The training loop: Accelerate, EMA, chunks that resume to the same losses as an unbroken run."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from diffusers.training_utils import EMAModel
from PIL import Image
from safetensors import SafetensorError
from tqdm.auto import tqdm

from pdm.conditioning import Condition
from pdm.config import TrainConfig
from pdm.data import ImageData, to_unit
from pdm.denoiser import Denoiser, build_denoiser, loss_weight, sample_sigmas
from pdm.files import atomic_file, atomic_folder, write_json
from pdm.loading import load_pipeline, resolve
from pdm.map.entries import save_classes
from pdm.pipeline import PDMPipeline, RDMPipeline
from pdm.prototypes import PrototypeBank
from pdm.sampling import make_scheduler
from pdm.throughput import Speed
from pdm.training import augment, preview
from pdm.training.card import CARD, denoiser_card, device_name, git_commit
from pdm.training.fast import beside, compile_net, laid_out, step_generator
from pdm.training.progress import NoiseLosses, Progress, learning_rate
from pdm.training.sources import NeighbourSource, NullSource, PrototypeSource, Source, make_source

CHECKPOINT_MINUTES = 10.0
SHOWN_EVERY = 10  # steps between two losses on the progress bar
PREVIEW_IMAGES = 4096  # of the training set that a sample grid's usage table is taken from


class Trainer:
    """One run of a configuration over a data set, with its state in `folder`."""

    def __init__(self, config: TrainConfig, data: ImageData, folder: Path, *, cpu: bool = False):
        self.config, self.data, self.folder = config, data, Path(folder)
        precision = config.precision if config.precision != "auto" else "bf16"
        self.accelerator = Accelerator(
            mixed_precision=precision,
            cpu=cpu,
            project_config=ProjectConfiguration(project_dir=str(self.folder), automatic_checkpoint_naming=False),
        )
        if config.optim.batch_size % self.accelerator.num_processes:
            raise ValueError(
                f"batch_size: expected a multiple of the {self.accelerator.num_processes} processes, "
                f"got {config.optim.batch_size}"
            )
        device = self.accelerator.device
        torch.manual_seed(config.seed)
        self.resident = beside(data, device)
        self.source: Source = make_source(config, self.resident, device)
        denoiser = build_denoiser(
            config.net, config.diffusion, channels=data.images.shape[1], size=config.image_size,
            token_dim=config.memory.encoder_dim if config.method == "rdm" else config.prototypes.dim,
        )  # fmt: skip
        self.started: PDMPipeline | RDMPipeline | None = None  # the model the run starts from, and its training card
        self.before: dict = {}
        if config.start is not None:
            self.start_from(Path(config.start), denoiser)
        laid_out(denoiser, device)
        self.speed = Speed(denoiser, device, torch.float32 if precision == "no" else torch.bfloat16)
        self.by_noise = NoiseLosses(device)
        self.stats: dict = {}  # of the time since the last checkpoint but one
        self.parts = 1  # that a batch is taken in, where the device's memory is too small for a whole one
        optimizer = torch.optim.AdamW(
            denoiser.parameters(), lr=config.optim.learning_rate, betas=config.optim.betas,
            weight_decay=config.optim.weight_decay, fused=True,
        )  # fmt: skip
        self.denoiser, self.optimizer = self.accelerator.prepare(denoiser, optimizer)
        self.ema = EMAModel(
            denoiser.parameters(), decay=config.optim.ema_decay, use_ema_warmup=True, power=0.75,
            foreach=device.type == "cuda",
        )  # fmt: skip
        self.ema.to(device)
        self.progress = Progress()
        self.prepared = False  # a checkpoint holds a prepared source, even one from before the first step
        self.accelerator.register_for_checkpointing(self.ema, self.source, self.progress)

    def start_from(self, folder: Path, denoiser: Denoiser) -> None:
        """Take the weights of a trained model of the same method and net. Raises ValueError for another one."""
        pipeline = load_pipeline(folder, self.config.method)
        self.started = pipeline
        try:
            denoiser.load_state_dict(pipeline.denoiser.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"model to start from: expected the net of preset {self.config.preset!r} for these images, "
                f"got another in {folder}"
            ) from error
        self.before = denoiser_card(resolve(folder, self.config.method))

    @property
    def state_folder(self) -> Path:
        return self.folder / "state"

    def resume(self) -> bool:
        """Load the last complete checkpoint; False where there is none."""
        if not self.state_folder.is_dir():
            return False
        saved = type(self.config).from_dict(json.loads((self.folder / "config.json").read_text()))
        if saved != self.config:
            raise ValueError(
                f"{self.folder}: expected a checkpoint of this configuration (preset {self.config.preset!r}), "
                f"got one of preset {saved.preset!r} with other settings; choose another --out, or the same options"
            )
        try:
            self.accelerator.load_state(str(self.state_folder))
        except torch.OutOfMemoryError:
            raise
        except (OSError, ValueError, RuntimeError, KeyError, EOFError, UnpicklingError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"{self.state_folder}: expected a complete checkpoint, got: {reason}; delete the folder to start again"
            ) from error
        self.prepared = True
        return True

    def save(self) -> None:
        """Write a checkpoint beside the old one, then put it in its place; one process writes for all."""
        if self.accelerator.is_main_process:
            self._save()
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        write_json(self.folder / "config.json", self.config.to_dict())
        with atomic_folder(self.state_folder) as part:
            try:
                self.accelerator.save_state(str(part))
            except RuntimeError as error:  # how torch.save reports a disk that takes no more
                reason = str(error).strip().splitlines()[0]
                raise OSError(
                    f"{self.state_folder}: expected room for a checkpoint, got: {reason}; free some space"
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
        self.accelerator.clip_grad_norm_(self.denoiser.parameters(), optim.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.progress.images_seen, finishing)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.accelerator.num_processes > 1:  # published prototypes take the gradient of each process's part
            for parameter in self.source.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        self.source.step(done, generator)
        self.ema.step(self.denoiser.parameters())
        mean = self.accelerator.reduce(loss, "mean")
        self.progress.add(mean, optim.batch_size)
        return mean

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
        x = augment.symmetric(to_unit(images[rows]).to(device), generator, config.augment)
        with self.accelerator.autocast():
            condition, own_loss = self.source.condition(x, rows, done, generator)
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

    def run(self, max_minutes: float = float("inf"), *, finish: bool = False) -> None:
        """Train until all images are seen or the time is up; a checkpoint and a sample grid every few minutes.

        `finish`: this run is the last one, and the learning rate falls to zero within its minutes.
        """
        total, started = self.config.optim.images, time.monotonic()
        before = self.progress.minutes
        if self.progress.steps == 0 and not self.prepared:
            self.prepare_source()
            self.save()
        compile_net(self.accelerator.unwrap_model(self.denoiser), self.accelerator.device, max_minutes)
        learning = last_save = time.monotonic()
        last_minutes = max(max_minutes - (learning - started) / 60, 1e-9)
        self.speed.start(self.progress.images_seen)
        silent = not self.accelerator.is_main_process
        with tqdm(total=total, initial=self.progress.images_seen, unit="img", desc="denoiser", disable=silent) as bar:
            while self.progress.images_seen < total:
                finishing = min(1.0, (time.monotonic() - learning) / 60 / last_minutes) if finish else None
                loss = self.train_step(finishing)
                minutes, unsaved = self._agreed((time.monotonic() - started) / 60, time.monotonic() - last_save)
                self.progress.minutes = before + minutes
                bar.update(self.config.optim.batch_size)
                if self.progress.steps % SHOWN_EVERY == 0:
                    bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                out_of_time = minutes >= max_minutes
                if out_of_time or unsaved > 60 * CHECKPOINT_MINUTES:
                    self.checkpoint()
                    last_save = time.monotonic()
                    self.speed.start(self.progress.images_seen)
                if out_of_time:
                    return
        self.checkpoint()

    def _agreed(self, *clocks: float) -> list[float]:
        """The processes must agree on when to stop, and their clocks need not: the mean of all decides."""
        if self.accelerator.num_processes == 1:
            return list(clocks)
        return self.accelerator.reduce(torch.tensor(clocks, device=self.accelerator.device), "mean").tolist()

    def say(self, text: str) -> None:
        """A line above the progress bar."""
        if self.accelerator.is_main_process:
            tqdm.write(text, file=sys.stderr)

    def prepare_source(self) -> None:
        bars: dict[str, tqdm] = {}

        def report(what: str, step: int, of: int, loss: float) -> None:
            if what not in bars:
                bars[what] = tqdm(total=of, desc=what, unit="step", disable=not self.accelerator.is_main_process)
            bar = bars[what]
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update(step - bar.n)

        if self.started is None:
            self.source.prepare(report, self.accelerator.autocast)
        else:
            self.source.start_from(self.started, report)
        for bar in bars.values():
            bar.close()
        if isinstance(self.source, PrototypeSource):
            self.say(self.source.said(PREVIEW_IMAGES))

    def checkpoint(self) -> None:
        self.save()
        if not self.accelerator.is_main_process:
            return
        self.look()
        write_json(self.folder / CARD, self.card())
        grid = self.sample_grid()
        with atomic_file(self.folder / "samples.png") as part:
            grid.save(part)

    def look(self) -> None:
        """Measure the run since the last checkpoint, and say it."""
        levels = {name: round(loss, 4) for name, loss in self.by_noise.take().items()}  # this waits for the device
        speed = self.speed.look(self.progress.images_seen, self.accelerator.num_processes)
        self.stats = {"speed": speed, "loss_by_noise": levels}
        self.say(
            f"{self.progress.images_seen:,} images seen, {speed['images_per_s']:,.0f} a second, "
            f"{100 * speed['peak_share']:.0f} % of the device's peak; loss "
            + ", ".join(f"{name}: {loss:.3f}" for name, loss in levels.items())
        )

    def card(self) -> dict:
        """What was trained on what, for how long: with what it started from, whose losses come first."""
        before = {"images_seen": 0, "minutes": 0.0, "losses": [], **self.before}
        seen = before["images_seen"]
        return {
            "data_set": self.data.name,
            "data_hash": self.data.hash(),
            "images": len(self.data),
            "images_seen": seen + self.progress.images_seen,
            "minutes": round(before["minutes"] + self.progress.minutes, 2),
            "started_from": {k: v for k, v in self.before.items() if k not in ("losses", "started_from")} or None,
            "device": device_name(self.accelerator.device, self.accelerator.num_processes),
            "precision": self.accelerator.mixed_precision,
            "preset": self.config.preset,
            "method": self.config.method,
            "commit": git_commit(),
            "seed": self.config.seed,
            "losses": before["losses"] + [[seen + n, round(v, 5)] for n, v in self.progress.losses],
            **self.stats,
            "config": self.config.to_dict(),
        }

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

    def pipeline(self, preview: bool = False) -> PDMPipeline | RDMPipeline:
        """The run's averaged weights as a pipeline of its own (a copy: training can go on).

        A `preview` takes the prototypes' usage from a part of the training set, which is enough to look at.
        """
        denoiser = self.averaged()
        scheduler = make_scheduler(
            "ddpm" if denoiser.config.preconditioning == "vp" else "dpm++2m", denoiser.config.preconditioning
        )
        if isinstance(self.source, NeighbourSource):
            options = self.config.memory
            return RDMPipeline(
                denoiser, self.source.memory, scheduler, self.source.encoder, clip=self.source.clip,
                neighbours=self.source.neighbours.shape[1], top_m=options.top_m,
            )  # fmt: skip
        if isinstance(self.source, PrototypeSource):
            return PDMPipeline(denoiser, self.source.finished_bank(PREVIEW_IMAGES if preview else None), scheduler)
        assert isinstance(self.source, NullSource)
        channels, dim = self.data.images.shape[1], self.source.dim
        empty = PrototypeBank(channels=channels, image_size=self.config.image_size, dim=dim)
        return PDMPipeline(denoiser, empty, scheduler)

    @property
    def preview_steps(self) -> int:
        return 100 if self.config.diffusion.preconditioning == "vp" else 10

    def sample_grid(self, columns: int = 8) -> Image.Image:
        """Pictures at fixed seeds, without guidance."""
        pipeline, unconditional = self.pipeline(preview=True), self.config.method == "unconditional"
        return preview.sample_grid(pipeline, steps=self.preview_steps, unconditional=unconditional, columns=columns)

    def export(self, folder: Path) -> Path:
        """Write the pipeline (fp16 nets, shards under 9 MB) with its training card; whole or not at all."""
        pipeline = self.pipeline()
        for net in pipeline.nets:
            net.half()
        with atomic_folder(Path(folder)) as part:
            pipeline.save_pretrained(part)
            if isinstance(self.source, NeighbourSource):
                save_classes(self.data.labels[self.source.memory.source_ids.long()], part)
            write_json(part / CARD, self.card())
        return Path(folder)


def train(
    config: TrainConfig,
    data: ImageData,
    out: Path,
    *,
    max_minutes: float = float("inf"),
    finish: bool = False,
    cpu: bool = False,
    kind: type[Trainer] = Trainer,
) -> Path:
    """Train (or go on training) into the folder `out` and export the pipeline to `out/pipeline`.

    `finish`: the last run of a chain, in whose `max_minutes` the learning rate falls to zero.
    """
    if finish and max_minutes == float("inf"):
        raise ValueError("finish: expected a number of minutes to finish within, got none")
    size = data.images.shape[-1]
    if size != config.image_size:
        raise ValueError(f"image_size: expected {config.image_size} for this run, got images of {size}")
    out.mkdir(parents=True, exist_ok=True)
    trainer = kind(config, data, out, cpu=cpu)
    trainer.resume()
    trainer.run(max_minutes, finish=finish)
    return trainer.export(out / "pipeline") if trainer.accelerator.is_main_process else out / "pipeline"
