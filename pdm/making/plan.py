"""What will be made of somebody's images, and how long it takes: decided before the work, and kept beside it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from pdm.config import OptimConfig, TrainConfig
from pdm.data.images import ImageData
from pdm.making.card_names import model_name
from pdm.making.look import Look
from pdm.making.names import CARD, CLASSIFIER, DENOISER, LATENTS, MAP, MEMORY, MINUTES, PROTOTYPES, RDM, STUDENT
from pdm.making.names import PLAN as FILE
from pdm.making.pace import SECONDS, Pace, measure
from pdm.making.recipe import recipe, with_images, with_steps
from pdm.map.sheet import usual_count
from pdm.support.checks import reason
from pdm.support.files import read_json, write_json
from pdm.training.tune import TUNE_OPTIM

VERSION = 2

FOR_PROTOTYPES, FOR_STUDENT, FOR_CLASSIFIER = 0.2, 0.15, 0.05  # shares of the time
WANTED_STEPS, SMALL_BATCH = 400, 64  # of the prototypes; where the time is too short for them, batches are halved
# Of a student's step, in the denoiser's: one forward pass more, and two of a guided teacher.
STUDENT_COST, GUIDED_STUDENT_COST = 1.35, 2.05
LEAST_STEPS, LEAST_BATCHES = 20, 10
PASSES = 2_000  # over the images at most: more would only learn few images by heart
CLASSIFIED, CLASSIFIER_STEPS, CLASSIFIER_BATCH = 30_000, 300, 128  # images at most, steps at least
FEW = 1_000  # images, below which pictures are close to copies
SHAPES = 200_000  # images seen, before which pictures of 64 px are blobs of colour: so it was with emoji
# Seconds: what a map takes whatever its size and for each image, and to load and save models between the steps.
MAP_START, MAP_IMAGE, SAVING = 12.0, 0.004, 4.0
PAINTED = 64  # pictures of a grid of samples
GRID = PAINTED * 10 / 3  # images of training that one takes as long as: ten steps, forward alone
CHECKPOINT = 600.0  # seconds between two of them


@dataclass(frozen=True)
class Asked:
    """What the user chose; None where the images decide."""

    source: str
    minutes: float = MINUTES
    size: int | None = None
    limit: int | None = None
    colour: str = "auto"
    augment: str | None = None
    prototypes: int | None = None
    baseline: bool = False
    seed: int = 0
    autoencoder: str | None = None
    net_from: str | None = None


@dataclass(frozen=True)
class Plan:
    """All that the result depends on, so that a run that was stopped goes on to the same one.

    `classifier`: epochs, 0 where there are no classes to tell apart. `minutes`: by part, in the order they are made.
    """

    asked: Asked
    look: Look
    pace: Pace
    config: TrainConfig
    student: OptimConfig
    classifier: int
    map_images: int
    minutes: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.minutes.values())

    @property
    def classified(self) -> int:
        """How many images the classifier learns from."""
        return min(self.look.images, CLASSIFIED)

    def warnings(self) -> list[str]:
        """What to know before the work starts."""
        found, said = self.look, []
        if found.images < FEW:
            said.append(
                f"{found.images:,} images are few: many pictures will be nearly copies of them; the page shows the "
                "images that are nearest to a picture"
            )
        seen = self.config.optim.images
        if found.size == 64 and self.config.net_from is None and seen < SHAPES <= PASSES * found.images:
            said.append(
                f"after {seen:,} images pictures are blobs of colour: shapes appear after about {SHAPES:,} "
                f"(--minutes {_round(self.asked.minutes * SHAPES / seen)} on {self.pace.device})"
            )
        if self.total > 1.25 * self.asked.minutes:
            said.append(f"{self.asked.minutes:g} minutes are too few: the least takes about {self.total:.0f}")
        return said

    def lines(self) -> list[str]:
        """The plan for people."""
        config, found, optim = self.config, self.look, self.config.optim
        colour = "colour" if found.channels == 3 else "grey"
        turned = {"none": "not mirrored", "flip": "mirrored", "d4": "mirrored and turned"}[config.augment]
        moved = f", moved by up to {config.shift} pixels" if config.shift else ""
        passes = optim.images / found.images
        parts = ", ".join(f"{name} {_short(minutes)}" for name, minutes in self.minutes.items())
        latent = config.latent.autoencoder
        begins = f" that begin as those of {model_name(config.net_from)}" if config.net_from else ""
        return [
            f"images      {found.images:,} of {found.size} x {found.size} pixels in {colour}, {turned}{moved}",
            *([f"latents     of {latent}, which paints them in an eighth of their side"] if latent else []),
            f"prototypes  {config.prototypes.count}, {config.prototypes.warmup_steps:,} steps alone",
            f"denoiser    {self.pace.parameters / 1e6:.1f} M parameters{begins}, {optim.images:,} images in steps of "
            f"{optim.batch_size}, {passes:,.1f} passes",
            f"student     {self.student.images:,} images, for pictures in one to four steps",
            f"minutes     about {_short(self.total)} on {self.pace.device}, as measured: {parts}",
            *(f"note        {warning}" for warning in self.warnings()),
        ]

    def save(self, folder: Path) -> None:
        write_json(Path(folder) / FILE, {"version": VERSION, **asdict(self)})


def read_plan(folder: Path) -> Plan | None:
    """The plan in a folder, None where there is none. Raises ValueError for a damaged one."""
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        values = read_json(path)
        if values.pop("version") != VERSION:
            raise ValueError("another version's")
        parts = {"asked": Asked, "look": Look, "pace": Pace}
        values |= {name: kind(**values[name]) for name, kind in parts.items()}
        values["student"] = OptimConfig(**{**values["student"], "betas": tuple(values["student"]["betas"])})
        return Plan(**{**values, "config": TrainConfig.from_dict(values["config"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected the plan of a model of this version, got: {reason(error)}; choose another folder"
        ) from error


def planned(asked: Asked, look: Look, data: ImageData, *, cpu: bool = False, seconds: float = SECONDS) -> Plan:
    """The plan for these images on this device, whose pace is measured for about so many seconds."""
    gpu = torch.cuda.is_available() and not cpu
    config = recipe(
        look,
        gpu=gpu,
        prototypes=asked.prototypes,
        augment=asked.augment,
        autoencoder=asked.autoencoder,
        net_from=asked.net_from,
        seed=asked.seed,
    )
    timed = {"baseline": asked.baseline, "labelled": look.labelled, "source": asked.source}
    pace = measure(config, data, cpu=cpu, seconds=seconds, **timed)
    return make_plan(asked, look, config, pace)


def make_plan(asked: Asked, look: Look, config: TrainConfig, pace: Pace) -> Plan:
    """Share out the minutes: a fixed part for what is made at the end, the rest for learning."""
    count = min(look.images, usual_count(look.size))
    latent = config.latent.autoencoder is not None
    # Large photographs are measured on features of a net that knows photographs: `evaluate --features`.
    epochs = 0 if latent else _epochs(look, pace, 60 * FOR_CLASSIFIER * asked.minutes)
    grid = GRID * pace.image + PAINTED * pace.decoded
    ends = {
        MAP: MAP_START + MAP_IMAGE * count,
        CLASSIFIER: epochs * min(look.images, CLASSIFIED) * pace.classifier_image,
        CARD: SAVING + grid,
        LATENTS: look.images * pace.encoded,
    }
    both = 2 if asked.baseline else 1
    budget = max(0.0, 60 * asked.minutes - sum(ends.values()) - both * SAVING)
    config, part = _prototypes(config, pace, FOR_PROTOTYPES * budget)
    steps = config.prototypes.warmup_steps
    alone, encoder = steps * pace.prototype_step * part, steps * pace.encoder_step * part
    grids = 1 + grid / CHECKPOINT  # a sample grid every few minutes
    tune = replace(TUNE_OPTIM, batch_size=config.optim.batch_size)
    cost = STUDENT_COST if config.diffusion.guidance == 1 else GUIDED_STUDENT_COST
    student = _images(FOR_STUDENT * budget / cost, pace, tune, look.images)
    tuning = student * pace.image * cost
    left = (budget - alone - encoder - tuning) / grids / both - grid
    images = _images(left, pace, config.optim, look.images)
    painting = images * grids * pace.image + grid + SAVING
    seconds = {LATENTS: ends.pop(LATENTS), PROTOTYPES: alone, DENOISER: painting, STUDENT: tuning + SAVING}
    if asked.baseline:
        seconds |= {MEMORY: encoder, RDM: painting}
    seconds = {name: value for name, value in (seconds | ends).items() if value}
    return Plan(
        asked,
        look,
        pace,
        with_images(config, images),
        replace(tune, images=student, warmup_images=student // 20),
        epochs,
        count,
        {name: round(value / 60, 3) for name, value in seconds.items()},
    )


def _images(seconds: float, pace: Pace, optim: OptimConfig, there: int) -> int:
    """How many images are seen in so many seconds: whole batches, not fewer than a few, and none too often."""
    most = min(optim.images, PASSES * there)
    batches = int(min(most, seconds / pace.image)) // optim.batch_size
    return max(LEAST_BATCHES, batches) * optim.batch_size


def _prototypes(config: TrainConfig, pace: Pace, seconds: float) -> tuple[TrainConfig, float]:
    """The recipe with as many steps of the prototypes (and RDM's encoder) as fit, and the part of a batch in each."""
    batch = config.prototypes.warmup_batch
    whole = seconds / (pace.prototype_step + pace.encoder_step)  # steps of whole batches
    part = 1.0
    while part * batch > SMALL_BATCH and whole / part < WANTED_STEPS:
        part /= 2
    steps = max(LEAST_STEPS, min(int(whole / part), config.prototypes.warmup_steps))
    return with_steps(config, steps, max(2, int(batch * part))), part


def _epochs(look: Look, pace: Pace, seconds: float) -> int:
    """Epochs of the classifier: six, and more of few images, but no more than there is time for; 0 without classes."""
    if not look.labelled:
        return 0
    images = min(look.images, CLASSIFIED)
    wanted = max(6, -(-CLASSIFIER_STEPS // max(1, images // CLASSIFIER_BATCH)))
    return max(2, min(wanted, int(seconds / (images * pace.classifier_image))))


def _round(minutes: float) -> int:
    """To two digits, upwards."""
    digit = 10 ** max(0, len(str(int(minutes))) - 2)
    return math.ceil(minutes / digit) * digit


def _short(minutes: float) -> str:
    return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.1f}"
