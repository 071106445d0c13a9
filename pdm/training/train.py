"""A training run: its checkpoints, from which it goes on to the same losses as an unbroken run, and its pipeline."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch
from PIL import Image

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.evaluation.drawing import Pipeline
from pdm.methods import METHODS
from pdm.pipelines.card import CARD, device_name, git_commit
from pdm.pipelines.loading import PIPELINE
from pdm.sampling.solvers import make_scheduler
from pdm.support.files import atomic_file, atomic_folder, write_json
from pdm.training import preview
from pdm.training.checkpoints import Checkpointed
from pdm.training.fast import compile_net
from pdm.training.latents import LatentImages
from pdm.training.shown import Shown
from pdm.training.sources.source import Pause, never

CHECKPOINT_MINUTES = 10.0
SHOWN_EVERY = 10  # steps between two losses on the progress bar
PREVIEW_IMAGES = 4096  # of the training set that a sample grid's usage table is taken from


class Trainer(Checkpointed):
    """One run of a configuration over a data set, with its state in `folder`.

    `enough` is asked after each step of the denoiser: once it is true, that was the last one.
    """

    enough: Pause = staticmethod(never)

    def run(self, max_minutes: float = float("inf"), *, finish: bool = False) -> None:
        """Train until all images are seen or the time is up; a checkpoint and a sample grid every few minutes.

        `finish`: this run is the last one, and the learning rate falls to zero within its minutes. A run whose time is
        up while its prototypes learn alone ends there, and the next one goes on.
        """
        total, started = self.config.optim.images, time.monotonic()
        before = self.progress.minutes
        if not self.source_ready or not self.source.prepared:
            self.prepare_source(max_minutes)
            self.progress.minutes = before + (time.monotonic() - started) / 60
            self.save()
            if not self.source.prepared:
                return
        self.say_found()
        compile_net(self.accelerator.unwrap_model(self.denoiser), self.accelerator.device, max_minutes)
        learning = last_save = time.monotonic()
        last_minutes = max(max_minutes - (learning - started) / 60, 1e-9)
        self.speed.start(self.progress.images_seen)
        self.shown.at("denoiser", self.progress.images_seen, total, "img")
        while self.progress.images_seen < total:
            finishing = min(1.0, (time.monotonic() - learning) / 60 / last_minutes) if finish else None
            loss = self.train_step(finishing)
            minutes, unsaved = self._agreed((time.monotonic() - started) / 60, time.monotonic() - last_save)
            self.progress.minutes = before + minutes
            shown = None
            if self.progress.steps % SHOWN_EVERY == 0:
                if self.watch.first() is not None:
                    self.check_finite()
                shown = float(loss)
                self.show_used()
                self.shown.levels(self.by_noise.means)
            self.shown.at("denoiser", self.progress.images_seen, total, "img", shown)
            out_of_time = minutes >= max_minutes or self.enough()
            if out_of_time or unsaved > 60 * CHECKPOINT_MINUTES:
                self.checkpoint()
                last_save = time.monotonic()
                self.speed.start(self.progress.images_seen)
            if out_of_time:
                return
        self.checkpoint()

    def say_found(self) -> None:
        """What reading the data found: once, when all is checked and the work begins."""
        if self.data.found is not None and not self.found_said:
            self.say(f"data set {self.data.name!r}: {self.data.found.line()}")
        self.found_said = True

    def show_used(self) -> None:
        """Whether prototypes collapse should be seen while it can be helped."""
        found = self.source.used()
        if found is not None:
            self.shown.used(*found)

    def _agreed(self, *clocks: float) -> list[float]:
        """The processes must agree on when to stop, and their clocks need not: the mean of all decides."""
        if self.accelerator.num_processes == 1:
            return list(clocks)
        return self.mean(torch.tensor(clocks, device=self.accelerator.device)).tolist()

    def prepare_source(self, max_minutes: float = float("inf")) -> None:
        """Let the source learn what it has to before the denoiser starts, with a checkpoint now and then."""
        started = last_save = time.monotonic()

        def report(what: str, step: int, of: int, loss: float) -> None:
            self.say_found()
            if not math.isfinite(loss):
                self.diverged(f"{what}, step {step}")
            self.shown.at(what, step, of, "step", loss)
            if step % SHOWN_EVERY == 0:
                self.show_used()

        def pause() -> bool:
            nonlocal last_save
            minutes, unsaved = self._agreed((time.monotonic() - started) / 60, time.monotonic() - last_save)
            if unsaved > 60 * CHECKPOINT_MINUTES:
                self.save()
                last_save = time.monotonic()
            return minutes >= max_minutes

        if self.start_pipeline is not None and not self.source_ready:
            self.source.take_over(self.start_pipeline, report)
        self.source_ready = True
        if not self.source.prepared:
            self.source.prepare(report, lambda: self.accelerator.autocast(), pause)
        self.shown.close()
        summary = self.source.summary(PREVIEW_IMAGES)
        if summary is not None:
            self.say(summary)

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
        """The training card: what was trained on which data for how long, the model it started from included."""
        before = {"images_seen": 0, "minutes": 0.0, "losses": [], **self.start_card}
        seen = before["images_seen"]
        return {
            "data_set": self.data.name,
            "data_hash": self.data_hash,
            "images": len(self.data),
            "found": None if self.data.found is None else self.data.found.to_dict(),
            "data_seen": self.progress.data_seen,
            "images_seen": seen + self.progress.images_seen,
            "minutes": round(before["minutes"] + self.progress.minutes, 2),
            "started_from": _before(self.start_card),
            "net_from": _before(self.net_card) or self.start_card.get("net_from"),
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

    def pipeline(self, preview: bool = False) -> Pipeline:
        """The run's averaged weights as a pipeline of its own (a copy: training can go on).

        A `preview` takes the prototypes' usage from a part of the training set, which is enough to look at.
        """
        denoiser, guidance = self.averaged(), self.config.diffusion.guidance
        scheduler = make_scheduler(
            "ddpm" if denoiser.config.preconditioning == "vp" else "dpm++2m", denoiser.config.preconditioning
        )
        pipeline = self.source.pipeline(denoiser, scheduler, guidance, PREVIEW_IMAGES if preview else None)
        tiling = self.config.tiling if self.start_pipeline is None else self.start_pipeline.config.tiling
        autoencoder, scale = (None, None) if self.latents is None else self.latents.owned()
        pipeline.register_painting(guidance, tiling, autoencoder, scale)
        return pipeline

    @property
    def preview_steps(self) -> int:
        return 100 if self.config.diffusion.preconditioning == "vp" else 10

    def sample_grid(self, columns: int = 8) -> Image.Image:
        """`preview.sample_grid` of the averaged weights."""
        pipeline, unconditional = self.pipeline(preview=True), not METHODS[self.config.method].conditioned
        return preview.sample_grid(pipeline, steps=self.preview_steps, unconditional=unconditional, columns=columns)

    def export(self, folder: Path) -> Path:
        """Write the pipeline (fp16, shards under 9 MB) with its training card; whole or not at all."""
        pipeline = self.pipeline()
        for net in pipeline.nets if self.latents is None else (*pipeline.nets, pipeline.autoencoder):
            net.half()
        self.source.halve(pipeline)
        with atomic_folder(Path(folder)) as part:
            pipeline.save_pretrained(part)
            self.source.save_extra(part)
            write_json(part / CARD, self.card())
        return Path(folder)


def _before(card: dict) -> dict | None:
    """What a card keeps of another one."""
    return {k: v for k, v in card.items() if k not in ("losses", "started_from", "net_from")} or None


def train(
    config: TrainConfig,
    data: ImageData,
    out: Path,
    *,
    max_minutes: float = float("inf"),
    finish: bool = False,
    cpu: bool = False,
    changed_data: bool = False,
    latents: LatentImages | None = None,
    kind: type[Trainer] = Trainer,
    shown: Shown | None = None,
    enough: Pause = never,
) -> Path | None:
    """Train (or go on training) into the folder `out` and export the pipeline to `out/pipeline`.

    Returns its folder, or None where the time was up before there was one: while the prototypes learn alone.
    `finish`: the last run of a chain, in whose `max_minutes` the learning rate falls to zero. `changed_data`: go on
    although the images are not those that the run began with. `latents`: what the net paints instead of the images.
    `shown`: who shows the run, where it isn't bars. `enough`: ends it early, with what is learned by then.
    """
    if finish and max_minutes == float("inf"):
        raise ValueError("finish: expected a number of minutes to finish within, got none")
    size = data.images.shape[-1]
    if size != config.seen_size:
        raise ValueError(f"image_size: expected {config.seen_size} for this run, got images of {size}")
    trainer = kind(config, data, out, cpu=cpu, latents=latents)
    trainer.shown, trainer.enough = shown or trainer.shown, enough
    out.mkdir(parents=True, exist_ok=True)
    trainer.resume(changed_data=changed_data)
    try:
        trainer.run(max_minutes, finish=finish)
    finally:
        trainer.shown.close()
    if not trainer.source.prepared:
        return None
    return trainer.export(out / PIPELINE) if trainer.accelerator.is_main_process else out / PIPELINE
