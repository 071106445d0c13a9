"""Tuning: a student of a trained model that paints in one, two or four steps.

The student of a model without guidance of its own learns from the images (consistency tuning). That of a guided one
learns from its teacher, as guidance is in no image (consistency distillation), and paints as if guided by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from pdm.config import DEFAULT_GUIDANCE, DEFAULT_STEPS, OptimConfig, TrainConfig
from pdm.data.images import ImageData
from pdm.evaluation.drawing import Pipeline
from pdm.model.conditioning import Condition
from pdm.model.denoiser import Denoise, Denoiser
from pdm.pipelines.card import CARD, denoiser_card
from pdm.pipelines.loading import INDEX, load_pipeline, resolve
from pdm.sampling.solvers import answered, guided
from pdm.sampling.student import TUNED_STEPS
from pdm.support.checks import shown
from pdm.support.files import read_json
from pdm.training.consistency import (
    BOUNDARY,
    ConsistencyConfig,
    consistency_loss,
    earlier,
    level,
    of_images,
    of_teacher,
    stage,
)
from pdm.training.latents import LatentImages
from pdm.training.shown import Shown
from pdm.training.train import Trainer, train

# Much wider than a denoiser's: a student starts from noise of 80, which denoisers hardly ever see in training. What a
# teacher says is known at every level at once, and its student's time goes to those above.
P_MEAN, P_MEAN_OF_TEACHER, P_STD = -1.1, 0.0, 2.0
# Of a guided teacher's student: with four its errors added up over ever shorter steps, to washed colours and grids.
STAGES_OF_TEACHER = 2
# Times the lowest mean loss of a run: one that fell apart was there 6,400 images before it stood at 2.4. Says
# nothing of a guided teacher's student, whose loss grows with every stage in any case.
APART = 1.3
TUNE_OPTIM = OptimConfig(images=200_000, learning_rate=2e-4, warmup_images=5_000, ema_decay=0.999)


@dataclass(frozen=True)
class TuneConfig(TrainConfig):
    """The teacher's configuration with `start` naming it, but for the noise levels, the optimiser and the loss."""

    PARTS: ClassVar[dict[str, type]] = {**TrainConfig.PARTS, "consistency": ConsistencyConfig}

    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)


def tune_config(
    model: str | Path,
    method: str = "pdm",
    *,
    optim: OptimConfig = TUNE_OPTIM,
    consistency: ConsistencyConfig | None = None,
    seed: int = 0,
    precision: str | None = None,
) -> TuneConfig:
    """How to tune a model: its own configuration, as its training card has it, and the given choices.

    Where no `consistency` is given it is that of `of_model`.
    Raises ValueError for a model without a card, of another method, or of the published chain, whose levels are fixed.
    """
    folder = resolve(model, method)
    card = denoiser_card(folder)
    if "config" not in card:
        raise ValueError(f"{folder}: expected a pipeline with its training card ({CARD}), got one without")
    trained = TrainConfig.from_dict(card["config"])
    if trained.method != method:
        raise ValueError(f"{folder}: expected a model trained with method {method!r}, got {shown(trained.method)}")
    if trained.diffusion.preconditioning not in ("edm", "x"):
        raise ValueError(
            f"{folder}: expected a model with preconditioning 'edm' or 'x', which alone can be tuned, "
            f"got {shown(trained.diffusion.preconditioning)} of preset {shown(trained.preset)}"
        )
    own = {f.name: getattr(trained, f.name) for f in fields(trained)}
    consistency = consistency or of_model(folder)
    mean = P_MEAN if consistency.guidance == 1 else P_MEAN_OF_TEACHER
    changes = {
        "diffusion": replace(trained.diffusion, P_mean=mean, P_std=P_STD),
        "optim": optim,
        "start": str(model),
        "new_net": False,
        "net_from": None,
        "seed": seed,
        "precision": precision or trained.precision,
        "prototypes": replace(trained.prototypes, settle_steps=0),  # the teacher's stay as they are
    }
    return TuneConfig(**{**own, **changes}, consistency=consistency)


def of_model(folder: Path, **choices: Any) -> ConsistencyConfig:
    """How the student of a saved pipeline learns: guided as that is, and the given choices."""
    index = read_json(folder / INDEX)
    own = {"guidance": index.get("guidance_scale", DEFAULT_GUIDANCE), "guided_above": index.get("guided_above", 0.0)}
    chosen = {**own, **choices}
    stages = {} if chosen["guidance"] == 1 else {"stages": STAGES_OF_TEACHER}
    return ConsistencyConfig(**{**stages, **chosen})


class Tuner(Trainer):
    """A run that makes a student of the model its configuration starts from; the pipeline keeps both."""

    config: TuneConfig

    def start_from(self, folder: Path, denoiser: Denoiser) -> Pipeline:
        """Give the student the teacher's weights; returns the teacher's pipeline. Raises ValueError for another net."""
        pipeline = super().start_from(folder, denoiser)
        if self.config.consistency.guidance != 1:
            self.leader = self._guided(pipeline)
        teacher, student = (_choices(net) for net in (pipeline.denoiser, denoiser))
        for name in student:
            if teacher.get(name) != student[name]:
                raise ValueError(
                    f"model to start from: expected a net with {name} {student[name]!r}, as its training card has it, "
                    f"got {shown(teacher.get(name))}"
                )
        self.teacher, self.start_card = self.start_card, {}  # the student's images and losses are counted by themselves
        return pipeline

    @property
    def preview_steps(self) -> int:
        return 2

    def loss(self, x: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor, condition: Condition) -> torch.Tensor:
        """The consistency loss of images x, from noise levels sigma (B,) and those their stage pairs them with."""
        config, share = self.config.consistency, self.progress.images_seen / self.config.optim.images
        r = earlier(config, sigma, stage(config, share))
        if config.guidance == 1:
            pair, gap = of_images(x, noise, sigma, r), sigma - r
        else:  # weighed by the gap's share of sigma: what decides on shapes is far above 1
            seen = x + level(sigma) * noise
            pair, gap = of_teacher(seen, sigma, r, self.teachers_view(seen, sigma, condition)), (sigma - r) / sigma
        boundary = BOUNDARY if self.config.diffusion.preconditioning == "x" else 0.0
        return (consistency_loss(self.denoiser, pair, condition, config.huber, boundary) / gap).mean()

    def teachers_view(self, x: torch.Tensor, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        """What the guided teacher sees behind x (B, C, H, W) at sigma (B,); without guidance where no condition is."""
        config = self.config.consistency
        acts = (sigma > config.guided_above) & ~condition.is_null
        scale = torch.where(acts, config.guidance, 1.0)
        return answered(self.leader, guided(x, sigma, condition, scale)).float()

    def _guided(self, pipeline: Pipeline) -> Denoise:
        """The teacher with its guide, in the precision of this run."""
        accelerator = self.accelerator
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(accelerator.mixed_precision, torch.float32)
        for net in pipeline.nets:
            net.to(accelerator.device, dtype).eval().requires_grad_(False)
        return pipeline.net_for(None, DEFAULT_STEPS)

    def check_finite(self) -> None:
        """Raise `NotFinite` also where the student falls apart: it learns from itself, and so from worse and worse."""
        super().check_finite()
        losses = [loss for _, loss in self.progress.losses if self.config.consistency.guidance == 1]
        if losses and losses[-1] > APART * (lowest := min(losses)):
            grown = f"expected a loss that falls, got one that grew from {lowest:.3g} to {losses[-1]:.3g}"
            self.diverged(f"step {self.progress.steps}", grown)

    def card(self) -> dict:
        teacher = {name: value for name, value in self.teacher.items() if name != "losses"}
        return {**super().card(), "teacher": teacher, "tuned_steps": list(TUNED_STEPS)}

    def pipeline(self, preview: bool = False) -> Pipeline:
        """The teacher's pipeline as it is on disk, with the run's averaged weights as its student."""
        assert self.config.start is not None
        pipeline = load_pipeline(self.config.start, self.config.method)
        pipeline.register_modules(student=self.averaged())
        pipeline.register_to_config(student_guidance=self.config.consistency.guidance)
        return pipeline


def _choices(net: Denoiser) -> dict:
    """A net's configuration without what diffusers adds; JSON makes lists of its tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in net.config.items()
        if not name.startswith("_")
    }


def tune(
    config: TuneConfig,
    data: ImageData,
    out: Path,
    *,
    max_minutes: float = float("inf"),
    cpu: bool = False,
    changed_data: bool = False,
    latents: LatentImages | None = None,
    shown: Shown | None = None,
) -> Path | None:
    """Tune (or go on tuning) into the folder `out` and export teacher and student to `out/pipeline`."""
    options = {"cpu": cpu, "changed_data": changed_data, "latents": latents, "shown": shown}
    return train(config, data, out, max_minutes=max_minutes, kind=Tuner, **options)
