"""The checkpoints of a training run: what one holds, who may go on from it, and what is never written into one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import NoReturn

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from safetensors import SafetensorError

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.methods import METHODS
from pdm.pipelines.card import CARD
from pdm.pipelines.loading import PIPELINE
from pdm.support.device import pick_device, training_precision
from pdm.support.files import atomic_folder, write_json
from pdm.support.leftovers import recover
from pdm.training.data_record import changed, record
from pdm.training.latents import LatentImages
from pdm.training.learner import Learner
from pdm.training.watch import NotFinite, all_finite


class Checkpointed(Learner):
    """A learner with its state in `folder`, written whole or not at all."""

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData,
        folder: Path,
        *,
        cpu: bool = False,
        latents: LatentImages | None = None,
    ):
        self.folder = Path(folder)
        precision = config.precision
        if precision == "auto":
            precision = training_precision(pick_device("cpu" if cpu else "auto"))
        accelerator = Accelerator(
            mixed_precision=precision,
            cpu=cpu,
            project_config=ProjectConfiguration(project_dir=str(self.folder), automatic_checkpoint_naming=False),
        )
        super().__init__(config, data, accelerator, latents)
        self.data_hash = data.hash()
        self.found_said = False
        self.saved_steps: int | None = None  # of the last checkpoint
        self.stats: dict = {}  # speed and losses between the last two checkpoints
        self.record: bytes | None = None  # of its images, once it is made
        self.source_ready = False  # the source has its state from the model to start from, or from a checkpoint

    @property
    def state_folder(self) -> Path:
        return self.folder / "state"

    def resume(self, *, changed_data: bool = False) -> bool:
        """Load the last complete checkpoint; False where there is none.

        Raises ValueError for one of other settings (the learning rate and the precision may change), and for one that
        was begun with other images unless `changed_data` says that it is to go on with these.
        """
        for folder in (self.state_folder, self.folder / PIPELINE):
            recover(folder)
        if not self.state_folder.is_dir():
            return False
        saved = type(self.config).from_dict(json.loads((self.folder / "config.json").read_text()))
        if _settings(saved) != _settings(self.config):
            raise ValueError(
                f"{self.folder}: expected a checkpoint of this configuration (preset {self.config.preset!r}), "
                f"got one of preset {saved.preset!r} with other settings; choose another --out, or the same options"
            )
        self._check_data(changed_data)
        try:
            self.accelerator.load_state(str(self.state_folder))
        except torch.OutOfMemoryError:
            raise
        except (OSError, ValueError, RuntimeError, KeyError, EOFError, UnpicklingError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"{self.state_folder}: expected a complete checkpoint, got: {reason}; delete the folder to start again"
            ) from error
        self.source_ready = True
        self.saved_steps = self.progress.steps
        return True

    def _check_data(self, going_on: bool) -> None:
        """Raise ValueError for other images than the run began with, unless it is to go on with them and can."""
        difference = changed(self.data, self.state_folder, self.folder / CARD)
        if difference is None:
            return
        if METHODS[self.config.method].retrieves:
            raise ValueError(f"{self.folder}: expected the images that its memory is made of, got {difference}")
        if not going_on:
            raise ValueError(
                f"{self.folder}: expected the images that this run began with, got {difference}; choose another --out, "
                "or go on with these: --changed-data"
            )
        self.say(f"going on with other images: {difference}")

    def save(self) -> None:
        """Write a checkpoint beside the old one, then put it in its place; one process writes for all.

        Raises `NotFinite` where the weights are no numbers: the old one then stays.
        """
        self.check_finite()
        self.progress.learn_from(self.data.name, self.data_hash, len(self.data))
        if self.accelerator.is_main_process:
            self._save()
        self.accelerator.wait_for_everyone()
        self.saved_steps = self.progress.steps

    def check_finite(self) -> None:
        """Raise `NotFinite`, which names the step, the last good checkpoint and what to lower."""
        step = self.watch.first()
        weights = (*self.denoiser.parameters(), *self.ema.shadow_params, *self.source.parameters())
        if step is not None or not all_finite(weights):
            self.diverged(f"step {self.progress.steps if step is None else step}")

    def diverged(self, where: str, wrong: str = "expected numbers, got NaN or infinity") -> NoReturn:
        """Raise `NotFinite` for a step, with what is wrong there."""
        there = self.saved_steps is not None
        good = f"the last good checkpoint, of step {self.saved_steps}, is in {self.state_folder}"
        precision = self.accelerator.mixed_precision
        raise NotFinite(
            f"{where}: {wrong}, and nothing was saved; "
            f"{good if there else 'there is no checkpoint yet'}; run it again with a lower --learning-rate "
            f"(now {self.config.optim.learning_rate:g})" + (" or --precision no" if precision != "no" else "")
        )

    def _save(self) -> None:
        write_json(self.folder / "config.json", self.config.to_dict())
        with atomic_folder(self.state_folder) as part:
            try:
                self.accelerator.save_state(str(part))
                self.record = record(self.data, part, self.record)
            except RuntimeError as error:  # how torch.save reports a disk that takes no more
                reason = str(error).strip().splitlines()[0]
                raise OSError(
                    f"{self.state_folder}: expected room for a checkpoint, got: {reason}; free some space"
                ) from error


def _settings(config: TrainConfig) -> TrainConfig:
    """What a run may not change.

    All but what is lowered where it turns to NaN, where its autoencoder lies, and how large pictures are painted.
    """
    latent = replace(config.latent, autoencoder=config.latent.autoencoder and "")
    return replace(config, precision="", tiling="", optim=replace(config.optim, learning_rate=0.0), latent=latent)
