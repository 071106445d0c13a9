"""The steps that make a model of a plan: each is whole or not there, and the next run goes on where one ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.data.load import load
from pdm.evaluation.featurenet import make_feature_net
from pdm.making.card_names import with_names
from pdm.making.line import Line, PartsOf
from pdm.making.model_card import write_model_card
from pdm.making.names import (
    CARD,
    CLASSIFIER,
    DENOISER,
    FINISH,
    LATENTS,
    MAP,
    MEMORY,
    PLAN,
    PROTOTYPES,
    RDM,
    README,
    STUDENT,
    WORK,
)
from pdm.making.plan import Plan
from pdm.map.projection import fit_map, save_map
from pdm.pipelines.card import CARD as TRAINING_CARD
from pdm.pipelines.loading import PIPELINE, load_pipeline
from pdm.support.files import atomic_folder, read_json, write_json
from pdm.support.leftovers import recover
from pdm.training.encoding import autoencoding, with_latents
from pdm.training.latents import LatentImages
from pdm.training.sources.source import Pause, never
from pdm.training.train import train
from pdm.training.tune import tune, tune_config


class Making:
    """A model that is made of `data` into `out`, which holds pdm/, rdm/, map/, classifier/ and a model card."""

    def __init__(self, plan: Plan, data: ImageData, out: Path, line: Line, *, cpu: bool = False):
        self.plan, self.data, self.out, self.line, self.cpu = plan, data, Path(out), line, cpu
        self.work = self.out / WORK
        self.config = plan.config
        self.latents: LatentImages | None = None  # what the nets learn from, where it isn't pixels

    def run(self) -> None:
        """Make what is not there yet."""
        if self.config.latent.autoencoder is not None and not self._painted():
            self.encode()
        self._step(self.out / "pdm", self.denoiser, PROTOTYPES, DENOISER, STUDENT)
        if self.plan.asked.baseline:
            self._step(self.out / "rdm", self.baseline, MEMORY, RDM)
        self._step(self.out / "map", self.map, MAP)
        if self.plan.classifier:
            self._step(self.out / "classifier", self.classifier, CLASSIFIER)
        self._step(self.out / README, self.card, CARD)
        tidy(self.work)

    def _step(self, made: Path, make: Callable[[], object], *parts: str) -> None:
        """Make what is not there; `parts`: what the line of progress calls it."""
        recover(made)
        if made.exists():
            self.line.skip(*parts)
            return
        make()
        self.line.end(*parts)

    def _painted(self) -> bool:
        """Whether all that learns from latents is made."""
        return (self.out / "pdm").exists() and (not self.plan.asked.baseline or (self.out / "rdm").exists())

    def encode(self) -> None:
        """The latents of the images; what was encoded before is in a cache."""
        shown = lambda done, of: self.line.at(LATENTS, done, of, "img")  # noqa: E731
        self.config, self.latents, _ = with_latents(
            self.config, self.data, self.plan.asked.source, autoencoding(self.config), cpu=self.cpu, shown=shown
        )
        self.line.end(LATENTS)

    def denoiser(self) -> None:
        """Prototypes and denoiser, then a student of them."""
        config, shown = self.config, self.line.of({"prototypes": PROTOTYPES, "denoiser": DENOISER})
        teacher, student = self.work / "pdm", self.work / "student"
        self._step(teacher / PIPELINE, lambda: self._train(config, teacher, shown, self.enough), PROTOTYPES, DENOISER)
        self._step(student / PIPELINE, lambda: self.student(teacher / PIPELINE, student), STUDENT)
        put(student / PIPELINE, self.out / "pdm")

    def student(self, teacher: Path, folder: Path) -> None:
        # By its whole path, so that the run is the same one from wherever the command is called.
        config = tune_config(teacher.resolve(), optim=self.plan.student, seed=self.plan.asked.seed)
        shown = self.line.of({"denoiser": STUDENT})
        tune(config, self.data, folder, cpu=self.cpu, latents=self.latents, shown=shown)

    def baseline(self) -> None:
        """RDM with the same net, as many steps and images."""
        folder, shown = self.work / "rdm", self.line.of({"encoder": MEMORY, "denoiser": RDM})
        self._step(folder / PIPELINE, lambda: self._train(replace(self.config, method="rdm"), folder, shown))
        put(folder / PIPELINE, self.out / "rdm")

    def _train(self, config: TrainConfig, folder: Path, shown: PartsOf, enough: Pause = never) -> None:
        train(config, self.data, folder, cpu=self.cpu, latents=self.latents, shown=shown, enough=enough)

    def enough(self) -> bool:
        """Whether somebody wants the model as it is now; what comes after the denoiser is made as planned."""
        return (self.work / FINISH).exists()

    def map(self) -> None:
        said = 0

        def say(message: str) -> None:
            nonlocal said
            self.line.at(MAP, said, 2)
            said += 1

        bank = load_pipeline(self.out / "pdm", "pdm").bank
        shown = self.data.subset(slice(self.plan.map_images))
        save_map(fit_map(bank, shown, self.plan.asked.seed, say), self.out / "map")

    def classifier(self) -> None:
        """What `evaluate` measures pictures with."""
        asked = self.plan.asked
        part = self.data.subset(slice(self.plan.classified))
        colour = "colour" if self.plan.look.channels == 3 else "grey"
        try:
            test = load(asked.source, "test", self.plan.look.seen, asked.limit, colour)
        except ValueError:  # too few to hold some out, or no such split
            test = None

        def report(step: int, of: int, loss: float) -> None:
            self.line.at(CLASSIFIER, step, of)

        make_feature_net(
            part, test, self.out / "classifier", epochs=self.plan.classifier, seed=asked.seed, report=report
        )

    def card(self) -> None:
        self.line.at(CARD, 0, 1)
        write_model_card(self.plan, self.out, README)


def put(pipeline: Path, folder: Path) -> None:
    """A finished pipeline in the model's folder; its card no longer says where on this machine it was made."""
    with atomic_folder(folder) as part:
        shutil.copytree(pipeline, part, dirs_exist_ok=True)
        write_json(part / TRAINING_CARD, with_names(read_json(part / TRAINING_CARD)))


def tidy(work: Path, kept: str = PLAN) -> None:
    """Leave of the work nothing but the plan, which says that all is made."""
    for path in sorted(work.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != kept:
            path.unlink()
