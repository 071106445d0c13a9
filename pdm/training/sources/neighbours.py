"""RDM's neighbours: a static encoder and a memory, made once; each image is conditioned on its nearest entries."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path

import torch

from pdm.config import TrainConfig
from pdm.data.images import ImageData
from pdm.map.entries import save_classes
from pdm.model.conditioning import Condition, from_neighbours
from pdm.model.denoiser import Denoiser
from pdm.model.encoders import StaticEncoder
from pdm.pipelines.base import ConditionedPipeline
from pdm.pipelines.rdm import RDMPipeline
from pdm.retrieval.encoded import Retrieval, load_retrieval, make_retrieval, retrieval_from
from pdm.retrieval.memory import Memory
from pdm.sampling.solvers import Scheduler
from pdm.training.sources.source import Pause, Precision, Report, never


class NeighbourSource:
    """Each image is conditioned on its k nearest entries of a fixed memory, its own entry left out."""

    def __init__(self, config: TrainConfig, data: ImageData, device: torch.device):
        options = config.memory
        self.config, self.data, self.token_dim = config, data, options.encoder_dim
        entries = min(options.entries, len(data))
        self.clip = None if options.encoder == "own" else options.encoder
        self.encoder: StaticEncoder | None = None
        if self.clip is None:
            channels = data.images.shape[1]
            self.encoder = StaticEncoder(
                channels=channels,
                dim=options.encoder_dim,
                width=options.encoder_width,
                image_size=data.images.shape[-1],
            )
        self.memory = Memory(entries, options.encoder_dim)
        self.neighbours = torch.zeros(len(data), min(options.neighbours, entries - 1), dtype=torch.long)
        self._near: tuple[torch.Tensor, torch.Tensor] | None = None
        self.prepared = False

    def prepare(self, report: Report, autocast: Precision = nullcontext, pause: Pause = never) -> None:
        """All of it in one go."""
        config, options = self.config, self.config.memory
        if options.folder is None:
            made = make_retrieval(options, self.data, report, symmetry=config.augment, seed=config.seed)
        else:
            made = load_retrieval(Path(options.folder), self.data)
        self._take(made)

    def take_over(self, pipeline: ConditionedPipeline, report: Report) -> None:
        """The pipeline's encoder and memory; only who is near whom is found again."""
        self._take(
            retrieval_from(
                pipeline.memory, pipeline.encoder, pipeline.config.clip, self.data, self.neighbours.shape[1], report
            )
        )

    def _take(self, made: Retrieval) -> None:
        self.encoder, self.memory, self.neighbours = made.encoder, made.memory, made.neighbours
        self._near, self.prepared = None, True

    def condition(
        self, x: torch.Tensor, rows: torch.Tensor, progress: float, generator: torch.Generator
    ) -> tuple[Condition, None]:
        if self._near is None:  # where the images are: a batch's neighbours are then looked up without leaving it
            where = self.data.images.device
            self._near = self.neighbours.to(where), self.memory.embeddings.to(where)
        neighbours, embeddings = self._near
        ids = neighbours[rows]
        return from_neighbours(embeddings[ids], ids).to(x.device), None

    def step(self, progress: float, generator: torch.Generator) -> None:
        """The memory is static."""

    def parameters(self) -> tuple[torch.nn.Parameter, ...]:
        return ()

    def summary(self, images: int) -> None:
        """Nothing to say."""

    def used(self) -> tuple[int, int] | None:
        """There are no prototypes."""

    def pipeline(
        self, denoiser: Denoiser, scheduler: Scheduler, guidance: float, preview_images: int | None = None
    ) -> RDMPipeline:
        return RDMPipeline(
            denoiser,
            self.memory,
            scheduler,
            self.encoder,
            clip=self.clip,
            neighbours=self.neighbours.shape[1],
            top_m=self.config.memory.top_m,
            guidance_scale=guidance,
        )

    def halve(self, pipeline: ConditionedPipeline) -> None:
        """A copy of the encoder in the place of the one that training may go on with."""
        if pipeline.encoder is not None:
            pipeline.register_modules(encoder=deepcopy(pipeline.encoder).half())

    def save_extra(self, folder: Path) -> None:
        """The classes of the memory's entries."""
        save_classes(self.data.labels.cpu()[self.memory.source_ids.long()], folder)

    def state_dict(self) -> dict:
        return {
            "encoder": {} if self.encoder is None else self.encoder.state_dict(),
            "memory": self.memory.state_dict(),
            "neighbours": self.neighbours.to(torch.int32),
        }

    def load_state_dict(self, state: dict) -> None:
        if self.encoder is not None:
            self.encoder.load_state_dict(state["encoder"])
            self.encoder.eval()
        self.memory.load_state_dict(state["memory"])
        self.neighbours = state["neighbours"].long()
        self._near, self.prepared = None, True
