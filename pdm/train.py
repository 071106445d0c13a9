"""The training loop: Accelerate, EMA, chunks that resume to the same losses as an unbroken run."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from diffusers.training_utils import EMAModel
from PIL import Image
from safetensors import SafetensorError
from tqdm.auto import tqdm

from pdm import augment
from pdm.conditioning import Condition
from pdm.config import TrainConfig
from pdm.data import ImageData, to_unit
from pdm.denoiser import Denoiser, build_denoiser, loss_weight, sample_sigmas
from pdm.entries import save_classes
from pdm.files import atomic_file, atomic_folder, write_json
from pdm.loading import load_pipeline, resolve
from pdm.pipeline import PDMPipeline, RDMPipeline
from pdm.prototypes import PrototypeBank
from pdm.sampling import make_scheduler
from pdm.sources import NeighbourSource, NullSource, PrototypeSource, Source, make_source

CARD = "training_card.json"
CHECKPOINT_MINUTES = 10.0
PREVIEW_IMAGES = 4096  # of the training set that a sample grid's usage table is taken from
LOSS_EVERY = 50  # steps a line in the log averages over


@dataclass
class Progress:
    """How far a run is; part of the checkpoint."""

    images_seen: int = 0
    steps: int = 0
    minutes: float = 0.0
    losses: list[list[float]] = field(default_factory=list)  # [images_seen, mean loss] every LOSS_EVERY steps
    pending: list[float] = field(default_factory=list)

    def add(self, loss: float, batch: int) -> None:
        self.steps += 1
        self.images_seen += batch
        self.pending.append(loss)
        if len(self.pending) == LOSS_EVERY:
            self.losses.append([self.images_seen, sum(self.pending) / LOSS_EVERY])
            self.pending = []

    def state_dict(self) -> dict:
        return {"values": [self.images_seen, self.steps, self.minutes], "losses": self.losses, "pending": self.pending}

    def load_state_dict(self, state: dict) -> None:
        self.images_seen, self.steps, self.minutes = state["values"]
        self.losses, self.pending = state["losses"], state["pending"]


def learning_rate(config: TrainConfig, images_seen: int) -> float:
    """Linear warm-up, constant, linear decay to zero over the last part of the run."""
    o = config.optim
    warm = min(1.0, (images_seen + o.batch_size) / o.warmup_images) if o.warmup_images else 1.0
    left = (o.images - images_seen) / (o.images * o.decay_fraction) if o.decay_fraction else 1.0
    return o.learning_rate * min(warm, max(left, 0.0), 1.0)


def step_generator(seed: int, step: int) -> torch.Generator:
    """All of a step's randomness comes from (seed, step), so a resumed run needs no random state."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


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
        self.source: Source = make_source(config, data, device)
        denoiser = build_denoiser(
            config.net, config.diffusion, channels=data.images.shape[1], size=config.image_size,
            token_dim=config.memory.encoder_dim if config.method == "rdm" else config.prototypes.dim,
        )  # fmt: skip
        self.started: PDMPipeline | RDMPipeline | None = None  # the model the run starts from, and its training card
        self.before: dict = {}
        if config.start is not None:
            self.start_from(Path(config.start), denoiser)
        optimizer = torch.optim.AdamW(
            denoiser.parameters(), lr=config.optim.learning_rate, betas=config.optim.betas,
            weight_decay=config.optim.weight_decay, fused=True,
        )  # fmt: skip
        self.denoiser, self.optimizer = self.accelerator.prepare(denoiser, optimizer)
        self.ema = EMAModel(denoiser.parameters(), decay=config.optim.ema_decay, use_ema_warmup=True, power=0.75)
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

    def train_step(self) -> float:
        """One optimiser step; returns its loss.

        Every process draws the whole batch, and the source learns from all of it; the denoiser takes a part each.
        """
        config, optim = self.config, self.config.optim
        generator = step_generator(config.seed, self.progress.steps)
        rows = torch.randint(len(self.data), (optim.batch_size,), generator=generator)
        done = self.progress.images_seen / optim.images
        x = to_unit(self.data.images[rows]).to(self.accelerator.device)
        x = augment.symmetric(x, generator, config.augment)
        with self.accelerator.autocast():
            condition, own_loss = self.source.condition(x, rows, done, generator)
        drop = torch.rand(len(x), generator=generator).to(x.device) < config.diffusion.condition_dropout
        sigma = sample_sigmas(config.diffusion, len(x), generator).to(x.device)
        noise = torch.randn(x.shape, generator=generator).to(x.device)
        part = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        x, sigma, noise, condition = x[part], sigma[part], noise[part], condition.dropped(drop)[part]
        loss = self.loss(x, sigma, noise, condition)
        self.accelerator.backward(loss if own_loss is None else loss + own_loss)
        self.accelerator.clip_grad_norm_(self.denoiser.parameters(), optim.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, self.progress.images_seen)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.accelerator.num_processes > 1:  # published prototypes take the gradient of each process's part
            for parameter in self.source.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        self.source.step(done, generator)
        self.ema.step(self.denoiser.parameters())
        mean = self.accelerator.reduce(loss.detach(), "mean").item()
        self.progress.add(mean, optim.batch_size)
        return mean

    def loss(self, x: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor, condition: Condition) -> torch.Tensor:
        """The denoising loss of images x at noise levels sigma (B,)."""
        clean = self.denoiser(x + sigma[:, None, None, None] * noise, sigma, condition)
        weight = loss_weight(self.config.diffusion, sigma)
        return (weight * (clean.float() - x).square().mean((1, 2, 3))).mean()

    def run(self, max_minutes: float = float("inf")) -> None:
        """Train until all images are seen or the time is up; a checkpoint and a sample grid every few minutes."""
        total, started = self.config.optim.images, time.monotonic()
        before = self.progress.minutes
        if self.progress.steps == 0 and not self.prepared:
            self.prepare_source()
            self.save()
        last_save = time.monotonic()
        silent = not self.accelerator.is_main_process
        with tqdm(total=total, initial=self.progress.images_seen, unit="img", desc="denoiser", disable=silent) as bar:
            while self.progress.images_seen < total:
                loss = self.train_step()
                now = time.monotonic()
                # The processes must agree on when to stop, and their clocks need not: the mean of all decides.
                clocks = torch.tensor([(now - started) / 60, now - last_save], device=self.accelerator.device)
                minutes, unsaved = self.accelerator.reduce(clocks, "mean").tolist()
                self.progress.minutes = before + minutes
                bar.update(self.config.optim.batch_size)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                out_of_time = minutes >= max_minutes
                if out_of_time or unsaved > 60 * CHECKPOINT_MINUTES:
                    self.checkpoint()
                    last_save = time.monotonic()
                if out_of_time:
                    return
        self.checkpoint()

    def prepare_source(self) -> None:
        bars: dict[str, tqdm] = {}

        def report(what: str, step: int, of: int, loss: float) -> None:
            if what not in bars:
                bars[what] = tqdm(total=of, desc=what, unit="step", disable=not self.accelerator.is_main_process)
            bar = bars[what]
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update(step - bar.n)

        if self.started is None:
            with self.accelerator.autocast():
                self.source.prepare(report)
        else:
            self.source.start_from(self.started, report)
        for bar in bars.values():
            bar.close()

    def checkpoint(self) -> None:
        self.save()
        if not self.accelerator.is_main_process:
            return
        write_json(self.folder / CARD, self.card())
        grid = self.sample_grid()
        with atomic_file(self.folder / "samples.png") as part:
            grid.save(part)

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
        """64 pictures at fixed seeds, without guidance."""
        pipeline = self.pipeline(preview=True)
        pipeline.set_progress_bar_config(disable=True)
        n = columns**2
        pictures = pipeline(
            num_images=n, generator=[torch.Generator().manual_seed(i) for i in range(n)],
            num_inference_steps=self.preview_steps, guidance_scale=1.0,
            unconditional=self.config.method == "unconditional",
        ).images  # fmt: skip
        size = self.config.image_size
        grid = Image.new(pictures[0].mode, (columns * size, columns * size))
        for i, picture in enumerate(pictures):
            grid.paste(picture, (i % columns * size, i // columns * size))
        return grid

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
    cpu: bool = False,
    kind: type[Trainer] = Trainer,
) -> Path:
    """Train (or go on training) into the folder `out` and export the pipeline to `out/pipeline`."""
    size = data.images.shape[-1]
    if size != config.image_size:
        raise ValueError(f"image_size: expected {config.image_size} for this run, got images of {size}")
    out.mkdir(parents=True, exist_ok=True)
    trainer = kind(config, data, out, cpu=cpu)
    trainer.resume()
    trainer.run(max_minutes)
    return trainer.export(out / "pipeline") if trainer.accelerator.is_main_process else out / "pipeline"


def denoiser_card(folder: Path) -> dict:
    """The training card of a pipeline's denoiser, empty where there is none; that of a tuned one keeps it inside."""
    path = folder / CARD
    card = json.loads(path.read_text()) if path.is_file() else {}
    return card.get("teacher", card)


def device_name(device: torch.device, processes: int = 1) -> str:
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    return f"{processes * torch.get_num_threads()} CPU threads" if device.type == "cpu" else device.type


def git_commit() -> str | None:
    """The commit the code is at, or None outside a checkout."""
    if shutil.which("git") is None:
        return None
    result = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or None if result.returncode == 0 else None
