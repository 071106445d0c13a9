"""Prototypes that learn: alone for the first steps, then beside the denoiser, then frozen."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import torch

from pdm.config import TrainConfig
from pdm.data import augment
from pdm.data.images import ImageData, to_unit
from pdm.metrics.clustering import mutual_information, perplexity, prototypes_used, usage_shares
from pdm.model.conditioning import Condition, training_condition
from pdm.model.denoiser import Denoiser
from pdm.model.encoders import embed_all
from pdm.model.prototypes import PrototypeBank, prototype_loss
from pdm.pipelines.base import ConditionedPipeline
from pdm.pipelines.pdm import PDMPipeline
from pdm.sampling.solvers import Scheduler
from pdm.training.fast import step_generator
from pdm.training.sources.source import Pause, Precision, Report, never

# The settings that a bank and the one it takes its weights from must share.
SAME = ("channels", "image_size", "count", "dim", "tokens", "weight_temperature", "spherical", "width", "energies")


def _take_weights(bank: PrototypeBank, state: dict[str, torch.Tensor]) -> None:
    """All of a bank's state that fits; how often which class was nearest is counted anew where classes are others."""
    own = bank.state_dict()
    bank.load_state_dict(
        {name: value if value.shape == own[name].shape else own[name] for name, value in state.items()}
    )


class PrototypeSource:
    """Prototypes: alone for the first steps, then beside the denoiser at a decaying rate, then frozen."""

    def __init__(self, config: TrainConfig, data: ImageData, device: torch.device):
        options = config.prototypes
        if options.supervised and (not data.class_names or (data.labels < 0).any()):
            raise ValueError(f"s-PDM needs a class label for every image; {data.name!r} has images without one")
        self.config, self.data, self.device, self.token_dim = config, data, device, options.dim
        self.bank = PrototypeBank(
            channels=data.images.shape[1],
            image_size=config.seen_size,
            count=len(data.class_names) if options.supervised else options.count,
            dim=options.dim,
            tokens=1 if options.supervised else options.tokens,
            weight_temperature=options.weight_temperature,
            spherical=options.objective == "balanced",
            class_names=tuple(data.class_names),
            supervised=options.supervised,
            width=options.width,
            energies=options.energies,
        ).to(device)
        self.optimizer = torch.optim.AdamW(self.bank.parameters(), lr=options.learning_rate, weight_decay=1e-4)
        self.usage = torch.full((self.bank.count,), 1.0 / self.bank.count, device=device)
        self.steps = 0
        self._last_z = torch.empty(0)
        self._counts = torch.zeros_like(self.usage)  # images of the last batch by their nearest prototype

    @property
    def prepared(self) -> bool:
        return self.steps >= self.alone

    @property
    def alone(self) -> int:
        """How many steps prototypes learn alone; in a run that starts from a trained model they only settle."""
        options = self.config.prototypes
        return options.warmup_steps if self.config.start is None else options.settle_steps

    def prepare(self, report: Report, autocast: Precision = nullcontext, pause: Pause = never) -> None:
        """The prototypes' objective alone; over the last `settle_steps` the rate falls to zero."""
        options, device = self.config.prototypes, self.data.images.device
        for step in range(self.steps, self.alone):
            generator = step_generator(self.config.seed, step, device)
            self._set_rate(min(1.0, (self.alone - step) / max(1, options.settle_steps)))
            batch = min(options.warmup_batch, len(self.data))
            rows = torch.randint(len(self.data), (batch,), generator=generator, device=device)
            x = to_unit(self.data.images[rows]).to(self.device)
            with autocast():
                loss = self._loss(x, rows, generator)
            loss.backward()
            self._update(generator)
            report("prototypes", step + 1, self.alone, loss.item())
            if pause():
                return

    def take_over(self, pipeline: ConditionedPipeline, report: Report) -> None:
        """The pipeline's bank, whatever its classes. Raises ValueError for one of other settings.

        Prototypes that stand for classes go by their names; that of a new class is the mean of its images' features.
        """
        ours, theirs = (dict(bank.config) for bank in (self.bank, pipeline.bank))
        by_class = self.bank.config.supervised and pipeline.bank.config.supervised
        for name in SAME:
            if by_class and name == "count":
                continue
            if ours[name] != theirs[name]:
                raise ValueError(
                    f"model to start from: expected prototypes with {name} {ours[name]}, got {theirs[name]}"
                )
        _take_weights(self.bank, pipeline.bank.state_dict())
        if by_class:
            self._by_class(pipeline.bank)

    @torch.no_grad()
    def _by_class(self, theirs: PrototypeBank) -> None:
        """The prototypes of classes: those of the same name, and means of features for the others."""
        known = {name: k for k, name in enumerate(theirs.config.class_names)}
        for k, name in enumerate(self.data.class_names):
            if name in known:
                self.bank.vectors[k] = theirs.vectors[known[name]].to(self.device)
            elif (rows := (self.data.labels == k).nonzero()[:, 0]).numel():
                z = embed_all(lambda x: self.bank.encode(x.to(self.device)), self.data.images[rows[:1000]])
                self.bank.vectors[k] = z.mean(0)
        self.bank.renormalise()

    def condition(
        self, x: torch.Tensor, rows: torch.Tensor, progress: float, generator: torch.Generator
    ) -> tuple[Condition, torch.Tensor | None]:
        options, bank = self.config.prototypes, self.bank
        frozen = self.frozen(progress)
        loss = None if frozen else self._loss(x, rows, generator)
        # The published prototypes also take the denoiser's gradient; balanced ones answer to their objective alone.
        with torch.set_grad_enabled(options.objective == "paper" and not frozen):
            z = bank.encode(x)
            if options.supervised:
                ids = self.data.labels[rows].to(x.device)[:, None]
                weights = torch.ones(ids.shape, device=x.device)
            else:
                ids, weights = bank.mixture(z)
            condition = training_condition(
                bank.vectors,
                z,
                ids,
                weights.detach(),
                nearest_only=options.nearest_only,
                blended=options.blended,
                spherical=bank.config.spherical,
                generator=generator,
            )
        return condition, loss

    def step(self, progress: float, generator: torch.Generator) -> None:
        options = self.config.prototypes
        if not self.frozen(progress):
            falling = 0.3 * max(0.0, 1.0 - progress / options.frozen_from)
            self._set_rate(1.0 if options.objective == "paper" else falling)
            self._update(generator)

    def frozen(self, progress: float) -> bool:
        return self.config.start is not None or progress >= self.config.prototypes.frozen_from

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        return self.bank.parameters()

    def _loss(self, x: torch.Tensor, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        options, symmetry = self.config.prototypes, self.config.augment
        labels = self.data.labels[rows].to(x.device) if options.supervised else None
        if options.objective == "paper":
            z = self.bank.encode(x)
            z_other = z
        else:
            z, z_other = (self.bank.encode(augment.view(x, generator, symmetry, options.views)) for _ in range(2))
        with torch.no_grad():
            counts = torch.bincount(self.bank.distances(z).argmin(-1), minlength=self.bank.count).float()
            self._counts = counts / len(z)
        self._last_z = z.detach()
        return prototype_loss(options, self.bank.vectors, z, z_other, labels)

    def _update(self, generator: torch.Generator) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.usage.lerp_(self._counts, 0.02)
        self.bank.renormalise()
        self.steps += 1
        options = self.config.prototypes
        if options.objective == "balanced" and not options.supervised and self.steps % 50 == 0:
            self.bank.restart_dead(self._last_z, self.usage, generator)

    def _set_rate(self, share: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.prototypes.learning_rate * share

    @torch.no_grad()
    def finished_bank(self, images: int | None = None) -> PrototypeBank:
        """A copy of the bank with usage, class make-up and the sampling table taken from the training set.

        `images`: only the first so many of it, for a quick look.
        """
        bank = PrototypeBank.from_config(self.bank.config)
        bank.load_state_dict(self.bank.state_dict())
        bank.to(self.data.images.device)
        z = embed_all(bank.encode, self.data.images[:images]).cpu()
        labels = self.data.labels[:images].cpu()
        bank.cpu().record(z, labels, torch.Generator().manual_seed(self.config.seed))
        return bank.eval()

    def used(self) -> tuple[int, int] | None:
        """Those that get at least a tenth of an even share."""
        return int((self.usage >= 0.1 / self.bank.count).sum()), self.bank.count

    @torch.no_grad()
    def summary(self, images: int) -> str:
        """How the prototypes share out the first so many images, in a line."""
        labels = self.data.labels[:images].cpu()
        z = embed_all(lambda x: self.bank.encode(x.to(self.device)), self.data.images[:images])
        ids = self.bank.distances(z).argmin(1).cpu()
        shares, information = usage_shares(ids, self.bank.count), mutual_information(ids, labels)
        nmi = "" if information is None else f", NMI with the labels {information:.2f}"
        used = prototypes_used(shares)
        return f"prototypes: {used} of {self.bank.count} used, perplexity {perplexity(shares):.1f}{nmi}"

    def pipeline(
        self, denoiser: Denoiser, scheduler: Scheduler, guidance: float, preview_images: int | None = None
    ) -> PDMPipeline:
        return PDMPipeline(denoiser, self.finished_bank(preview_images), scheduler, guidance_scale=guidance)

    def halve(self, pipeline: ConditionedPipeline) -> None:
        """The encoder alone: prototypes and counts stay as they are."""
        pipeline.bank.encoder.half()

    def save_extra(self, folder: Path) -> None:
        """Nothing: the bank holds all."""

    def state_dict(self) -> dict:
        return {
            "bank": self.bank.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "usage": self.usage,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict) -> None:
        if self.bank.config.supervised:
            self.bank.load_state_dict(state["bank"])
        else:  # going on with changed images, perhaps of other classes
            _take_weights(self.bank, state["bank"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.usage.copy_(state["usage"])
        self.steps = state["steps"]
